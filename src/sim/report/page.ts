// Style and script of the report. Colours are Okabe and Ito's, which colour-blind eyes distinguish, with dashes for further series.

const COLOURS_LIGHT = ['#0072b2', '#d55e00', '#009e73', '#b3679b', '#8a6d00', '#3b8fc2', '#5c5c5c', '#a11d33'];
const COLOURS_DARK = ['#56b4e9', '#ff9a4d', '#3ddc9f', '#e09fc8', '#f0d442', '#9ad1f5', '#b5b5b5', '#ff7a8f'];
const STYLES = 24;

const colours = (palette: readonly string[]): string =>
  Array.from({ length: STYLES }, (_, s) => `.s${s}{--c:${palette[s % palette.length]}}`).join('');

const dashes = Array.from({ length: STYLES }, (_, s) => s)
  .filter((s) => s >= COLOURS_LIGHT.length)
  .map((s) => `.line.s${s}{stroke-dasharray:${s < 2 * COLOURS_LIGHT.length ? '7 4' : '2 3'}}`)
  .join('');

/** The style sheet, light and dark. */
export const REPORT_STYLE = `
:root{color-scheme:light dark;--text:#1b1f24;--faint:#667;--rule:#d8dce2;--page:#fff;--card:#f6f7f9}
@media (prefers-color-scheme:dark){:root{--text:#e4e7ec;--faint:#9aa3b0;--rule:#343a44;--page:#14171c;--card:#1c2027}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:15px/1.5 system-ui,sans-serif}
main{max-width:1320px;margin:0 auto;padding:24px 16px 64px}
h1{font-size:26px;margin:0 0 4px}h2{font-size:17px;margin:28px 0 8px}
.facts,figcaption{color:var(--faint);font-size:13px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums;white-space:nowrap}
th,td{padding:4px 8px;border-bottom:1px solid var(--rule);text-align:right;vertical-align:top}
.word{text-align:left}td small{display:block;color:var(--faint)}
th:first-child,td:first-child{text-align:left;position:sticky;left:0;background:var(--page)}
th button{font:inherit;font-weight:600;color:var(--faint);background:none;border:0;padding:0;cursor:pointer}
th[aria-sort=ascending] button::after{content:" ↑"}th[aria-sort=descending] button::after{content:" ↓"}
details{font-size:13px;margin-top:8px}summary{cursor:pointer;color:var(--faint)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 12px;margin:8px 0;font-size:13px}
dt{color:var(--faint)}dd{margin:0;overflow-wrap:anywhere}
figure{margin:0 0 8px}svg{display:block;width:100%;min-width:620px;height:auto;background:var(--card);border-radius:8px}
svg text{fill:var(--text);font:11px system-ui,sans-serif}.tick{fill:var(--faint)}.label{fill:var(--faint)}
.middle{text-anchor:middle}.end{text-anchor:end}
.grid{stroke:var(--rule);stroke-width:1;fill:none}
.level{stroke:var(--faint);stroke-dasharray:5 4;fill:none}
.mark path{stroke:var(--faint);stroke-dasharray:2 3;fill:none}.mark text{fill:var(--faint)}
.line{fill:none;stroke:var(--c);stroke-width:1.8;stroke-linejoin:round}.bar{fill:var(--c)}
.line:hover{stroke-width:3.4}.bar:hover{opacity:.7}
.off{display:none}
.legend{position:sticky;top:0;display:flex;flex-wrap:wrap;gap:6px;padding:10px 0;margin-top:20px;background:var(--page);z-index:1}
.legend button{font:13px system-ui,sans-serif;color:var(--text);background:var(--card);border:1px solid var(--rule);border-radius:6px;padding:3px 10px;cursor:pointer}
.legend i{display:inline-block;width:12px;height:12px;border-radius:3px;background:var(--c);margin-right:6px;vertical-align:-1px}
.legend button[aria-pressed=false]{opacity:.4}
${colours(COLOURS_LIGHT)}${dashes}
@media (prefers-color-scheme:dark){${colours(COLOURS_DARK)}}
`;

/** Sorts a table by the column that is clicked, and hides series that the legend switches off. */
export const REPORT_SCRIPT = `
for (const button of document.querySelectorAll('.legend button')) {
  button.addEventListener('click', () => {
    const on = button.getAttribute('aria-pressed') !== 'true';
    button.setAttribute('aria-pressed', String(on));
    for (const mark of document.querySelectorAll('.series.' + button.dataset.series)) mark.classList.toggle('off', !on);
  });
}
for (const head of document.querySelectorAll('th')) {
  head.firstElementChild.addEventListener('click', () => {
    const table = head.closest('table');
    const descends = head.getAttribute('aria-sort') === 'ascending' || (head.cellIndex > 0 && !head.hasAttribute('aria-sort'));
    for (const other of table.querySelectorAll('th')) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', descends ? 'descending' : 'ascending');
    const value = (row) => row.cells[head.cellIndex].dataset.value;
    const compare = (a, b) => {
      if (a === b) return 0;
      // Where there is no figure: last, either way.
      if (a === 'NaN') return 1;
      if (b === 'NaN') return -1;
      const order = Number.isNaN(Number(a)) ? (a < b ? -1 : 1) : Number(a) - Number(b);
      return descends ? -order : order;
    };
    const body = table.tBodies[0];
    body.append(...[...body.rows].sort((a, b) => compare(value(a), value(b))));
  });
}
`;
