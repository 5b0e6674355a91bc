import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hostileLabels, hostileStreamLabels } from '../support/hostile-labels.ts';
import { renderStreamsBeside } from '../support/hostile-streams.ts';
import { renderBeside } from '../support/hostile-swarm.ts';
import { NginxContainer } from '../support/nginx-container.ts';

it('nginx of the proxy image accepts the configuration whatever the labels of a service are', {
  timeout: 180_000,
}, async () => {
  await using nginx = await NginxContainer.start();
  const samples = fc.sample(hostileLabels, { numRuns: 1500, seed: 1 });
  const routed = samples.filter((labels) => renderBeside(labels).clusters[0]!.table.servers.length > 2).slice(0, 100);
  const texts = routed.map((labels) => renderBeside(labels).clusters[0]!.text);

  const complaints = await nginx.test(texts);

  const refused = complaints.map((complaint, position) => ({ complaint, labels: routed[position] }));
  expect(refused.filter(({ complaint }) => /emerg|refused/.test(complaint))).toEqual([]);
});

it('and whatever its labels for TCP and UDP are', { timeout: 180_000 }, async () => {
  await using nginx = await NginxContainer.start();
  const samples = fc.sample(hostileStreamLabels, { numRuns: 600, seed: 1 });
  const texts = [...new Set(samples.map((labels) => renderStreamsBeside(labels).text))].slice(0, 150);

  const complaints = await nginx.test(texts);

  expect(complaints.filter((complaint) => /emerg|refused/.test(complaint))).toEqual([]);
});
