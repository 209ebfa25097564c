// The dashboard: every picture that arrives is drawn anew from the top; Preact changes only what differs.

import 'uplot/dist/uPlot.min.css';
import './style.css';
import { render } from 'preact';
import { App } from './app.tsx';
import { Connection } from './connection.ts';
import { Model } from './model.ts';

const root = document.getElementById('app');
if (root !== null) {
  const model = new Model();
  const connection = new Connection(model);
  const draw = (): void => render(<App model={model} connection={connection} />, root);
  root.textContent = '';
  model.subscribe(draw);
  draw();
  connection.start();
}
