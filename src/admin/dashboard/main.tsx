// The dashboard: every picture that arrives is drawn from the top; Preact changes only what differs.

import 'uplot/dist/uPlot.min.css';
import './styles/theme.css';
import './styles/base.css';
import './styles/header.css';
import './styles/layout.css';
import './styles/bars.css';
import './styles/cards.css';
import './styles/picture.css';
import './styles/tables.css';
import './styles/plots.css';
import './styles/events.css';
import './styles/login.css';
import './styles/narrow.css';
import './styles/motion.css';
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
