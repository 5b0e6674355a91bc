// Every command of README and the guides is run by a story, or listed with the reason why not.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { project } from '../../../bed/places.ts';
import { readDocument } from '../../support/documents.ts';
import { commandsLeft, faultsOfPlan, plan, plannedDocuments } from '../../support/guide-plan.ts';

it.each(plannedDocuments)('%s has no shell block without a story or a reason', (path) => {
  expect(faultsOfPlan(readDocument(path), plan[path])).toEqual([]);
});

it('only documents that exist are planned, with stories that exist', () => {
  expect(Object.keys(plan).filter((path) => !plannedDocuments.includes(path))).toEqual([]);
  const stories = Object.values(plan).flatMap((blocks) => blocks.flatMap(({ story }) => story ?? []));
  for (const story of new Set(stories)) expect(existsSync(join(project, 'test/swarm', `${story}.test.ts`))).toBe(true);
});

it('a new block, a removed one and an exception without its command are found', () => {
  const text = '## Deploy\n\n```sh\na\nb\n```\n\n```toml\nc = 1\n```\n\n## Check\n\n```sh\nd\n```\n';
  const deploy = { heading: 'Deploy', story: 'guides-use' as const };
  const check = { heading: 'Check', reason: 'No engine' };

  expect(faultsOfPlan(text, [deploy, check])).toEqual([]);
  expect(faultsOfPlan(text, [deploy])).toEqual([
    'line 14: no story runs the block below "Check", and no reason is given',
  ]);
  expect(faultsOfPlan(text, [deploy, check, check])).toEqual(['there is no other block below "Check"']);
  expect(faultsOfPlan(text, [{ ...deploy, except: { c: 'No client' } }, check])).toEqual([
    'line 3: there is no command c',
  ]);
});

it('a command that a story did not run is found', () => {
  const first = 'docker stack deploy -c whoami.yml demo';
  const left = commandsLeft('guides-use', new Set([first]));

  expect(left).not.toContain(`README.md: ${first}`);
  expect(left).toContain("README.md: curl -H 'Host: whoami.example.org' http://127.0.0.1:8080/");
});
