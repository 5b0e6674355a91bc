import { expect, it } from 'vitest';
import { textFault } from '../../src/nginx-text/check-text.ts';
import { goldenCases, goldenPath, readSnapshot, renderCase } from '../support/golden.ts';
import { unreachedChecks } from '../support/server-checks.ts';

it.each(goldenCases)('renders %s', async (name) => {
  const { files, problems } = renderCase(name);

  for (const file of files) await expect(file.text).toMatchFileSnapshot(goldenPath(name, file.name));
  await expect(`${JSON.stringify(problems, null, 2)}\n`).toMatchFileSnapshot(goldenPath(name, 'problems.json'));
});

it.each(goldenCases)("does not depend on the order of the Engine's listings: %s", (name) => {
  const { services, networks, nodes, hostTasks, ...rest } = readSnapshot(name);
  const reversed = {
    ...rest,
    services: services.toReversed(),
    networks: networks.toReversed(),
    nodes: nodes.toReversed(),
    hostTasks: hostTasks.toReversed(),
  };

  expect(renderCase(name, reversed)).toEqual(renderCase(name));
});

it.each(goldenCases)('passes the check that extension answers must pass: %s', (name) => {
  const faults = renderCase(name).files.map(({ text, permissions }) => textFault(text, [], permissions));

  expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
});

it.each(goldenCases)('leaves out no check of a server: %s', (name) => {
  expect(renderCase(name).files.flatMap(({ text }) => unreachedChecks(text))).toEqual([]);
});

it('finds a check that nginx would leave out', () => {
  const text = 'server { if ($https = "") { break; } if ($client_ca = "") { return 503; } location / { return 404; } }';

  expect(unreachedChecks(text)).toEqual(['if ($client_ca =  )']);
});
