// qedge.toml(5), from the tables of keys that the file itself is read by.

import { type ReferenceRow, type ReferenceTable, referenceTables } from '../../../src/config/reference.ts';
import { type Build, bold, entry, italic, prose, titleLine, verbatim } from './roff.ts';

const EXAMPLE = `[mqtt]
url = "mqtt://broker.local:1883"

[[service]]
name = "pilotnet"
qos = { latency = "80ms", success = 0.9, window = "10s" }`;

/** The page of every key. */
export function configPage(build: Build): string {
  return `${[
    titleLine({ name: 'qedge.toml', section: 5 }, build),
    '.SH NAME',
    prose('qedge.toml - configuration of qedge'),
    '.SH DESCRIPTION',
    prose('A file of TOML. Unknown keys are errors; `qedge check` lists every mistake and its place.'),
    prose(
      'Durations are written as `"80ms"`, `"1.5s"`, `"5m"`; sizes as `"64KiB"`, `"2MiB"`. File names start at the directory of the file.',
    ),
    prose(`Any string may hold \`\${env:NAME}\` or \`\${file:/path}\`; \`$\${\` stands for a plain \`\${\`.`),
    '.PP',
    prose(
      'A key that is `live` is applied by a reload (SIGHUP, `systemctl reload qedge`); one of `restart` at the next start.',
    ),
    ...referenceTables().flatMap(tableLines),
    '.SH EXAMPLES',
    verbatim(EXAMPLE),
    '.SH FILES',
    entry(italic('/etc/qedge/qedge.toml')),
    '.SH SEE ALSO',
    '.BR qedge (1)',
  ].join('\n')}\n`;
}

function tableLines({ title, doc, rows }: ReferenceTable): readonly string[] {
  const heading = /\..*\]/.test(title) ? '.SS' : '.SH';
  return [`${heading} ${prose(title)}`, prose(doc), ...rows.map(rowEntry)];
}

function rowEntry(row: ReferenceRow): string {
  const need = row.required ? 'required' : row.default === null ? 'optional' : `default ${row.default}`;
  return entry(`${bold(row.word)} = ${italic(row.kind)}`, prose(`${need}, ${row.reload}`), '.br', prose(row.doc));
}
