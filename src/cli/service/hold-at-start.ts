// Imported before all else, so that signals of a service are kept while the rest of the code is still being loaded.

import { holdServiceSignals } from './held-signals.ts';

if (process.argv[2] === 'run') holdServiceSignals();
