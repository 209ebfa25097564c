// The frame around each view.

import type { ComponentChildren } from 'preact';

export interface PanelProps {
  readonly title: string;
  /** Which place in the grid it takes. */
  readonly area: string;
  /** Stands at the right of the title. */
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A titled part of the page; `area` is its place in the grid. */
export function Panel({ title, area, aside, children }: PanelProps) {
  const id = `panel-${area}`;
  return (
    <section class={`panel area-${area}`} aria-labelledby={id}>
      <header class="panel-head">
        <h2 id={id}>{title}</h2>
        {aside !== undefined && <div class="panel-aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}
