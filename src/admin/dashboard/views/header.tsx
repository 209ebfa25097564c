// The name of the node, how it is, and how fresh the picture is.

import { useEffect, useState } from 'preact/hooks';
import type { StateDocument } from '../../state/state.ts';
import { duration } from '../format.ts';
import type { LinkStatus, Model } from '../model.ts';

const STATUS: Readonly<Record<LinkStatus, string>> = {
  connecting: 'Connecting',
  live: 'Live',
  polling: 'Polling',
  lost: 'No answer',
  locked: 'Locked',
};

/** The bar at the top. */
export function Header({ model, state }: { readonly model: Model; readonly state: StateDocument }) {
  const { node } = state;
  const { problems, restartKeys } = node.configuration;
  const lost = model.status === 'lost';
  return (
    <header class="top">
      <div class="brand">
        <Mark />
        <h1>
          <span class="brand-name">qedge</span> <span class="node-id">{node.id}</span>
        </h1>
        {node.tier !== null && <span class="tag">{node.tier}</span>}
      </div>
      <div class="top-facts">
        {!lost && <Facts state={state} />}
        <span class={`link link-${model.status}`} role="status">
          <i aria-hidden="true" />
          {STATUS[model.status]}
        </span>
        <ThemeButton />
      </div>
      {!lost && !state.ready && (
        <p class="banner" role="alert">
          Not ready: {state.notReadyReasons.join('; ')}
        </p>
      )}
      {!lost && problems.length > 0 && (
        <p class="banner" role="alert">
          The last reload was refused, nothing changed: {problems.join('; ')}
        </p>
      )}
      {!lost && restartKeys.length > 0 && (
        <p class="banner" role="status">
          Changed, and waiting for a restart: {restartKeys.join(', ')}
        </p>
      )}
      {!lost &&
        node.troubles.map((trouble) => (
          <p class="banner" role="status" key={trouble}>
            {upperFirst(trouble)}
          </p>
        ))}
    </header>
  );
}

function upperFirst(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

/** What is known only while qedge answers. */
function Facts({ state }: { readonly state: StateDocument }) {
  const { broker, store, process } = state.node;
  return (
    <>
      <Fact ok={state.ready} label={state.ready ? 'Ready' : 'Not ready'} />
      {broker !== null && <Fact ok={broker.connected} label={broker.connected ? 'Broker' : 'Broker away'} />}
      {store !== null && !store.ok && <Fact ok={false} label="Store failing" />}
      <span class="quiet up">up {duration(process.uptimeMs)}</span>
    </>
  );
}

function Fact({ ok, label }: { readonly ok: boolean; readonly label: string }) {
  return <span class={ok ? 'fact' : 'fact fact-bad'}>{label}</span>;
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M8 23 24 9" />
      <circle cx="11" cy="12" r="3.5" />
      <circle cx="21" cy="21" r="2.5" opacity="0.6" />
    </svg>
  );
}

type Theme = 'auto' | 'light' | 'dark';
const NEXT: Readonly<Record<Theme, Theme>> = { auto: 'light', light: 'dark', dark: 'auto' };
const THEME_KEY = 'qedge.theme';

function ThemeButton() {
  const [theme, setTheme] = useState<Theme>(() => {
    const stored = localStorage.getItem(THEME_KEY);
    return stored === 'light' || stored === 'dark' ? stored : 'auto';
  });
  useEffect(() => {
    if (theme === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    localStorage.setItem(THEME_KEY, theme);
    window.dispatchEvent(new Event('themechange'));
  }, [theme]);
  return (
    <button type="button" class="ghost theme" onClick={() => setTheme(NEXT[theme])} title={`Theme: ${theme}`}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <circle cx="8" cy="8" r="6.25" />
        <path d="M8 1.75a6.25 6.25 0 0 1 0 12.5z" class="half" />
      </svg>
      <span class="sr">
        Theme: {theme}. Change to {NEXT[theme]}.
      </span>
    </button>
  );
}
