import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Engine, findEngine } from './engine.ts';
import { removeBed } from './open-bed.ts';
import { bedLabel, stateDir } from './places.ts';
import { engineIsOurs, removeEngine } from './start-engine.ts';
import { runCommand, step } from './step.ts';
import { sweepAndReport } from './sweep.ts';

await runCommand(async () => {
  const { values } = parseArgs({ options: { 'keep-engine': { type: 'boolean', default: false } } });
  const engine = await findEngine();
  if (!engine) {
    console.log('No engine answers: nothing to remove.');
    return 0;
  }
  await sweepAndReport(engine);
  await step('nodes', async (progress) => {
    const removed = await removeBed(engine.docker, 'dev');
    progress.done(removed > 0 ? `removed ${removed}, their volumes and the network` : 'nothing to remove');
  });
  if (values['keep-engine']) return 0;
  if (engineIsOurs() && !(await othersUse(engine))) {
    await step('engine', async (progress) => {
      await removeEngine();
      progress.done('stopped the engine that was started here, and removed its data');
    });
  } else {
    await step('images', async (progress) => progress.done(`removed ${await removeImages(engine)}`));
  }
  rmSync(stateDir, { recursive: true, force: true });
  return 0;
});

async function othersUse(engine: Engine): Promise<boolean> {
  return (
    (await engine.docker.listContainers({ all: true, filters: { status: ['running', 'created', 'paused'] } })).length >
    0
  );
}

/** Only images that we build are named signalbox/… here. Removing one that another bed uses fails, and it stays. */
async function removeImages(engine: Engine): Promise<number> {
  if ((await engine.docker.listContainers({ all: true, filters: { label: [bedLabel] } })).length > 0) return 0;
  const ours = /^signalbox\/(base-|swarm-node:|clients:|(controller|extension|proxy|demo):.*-dev\.)/;
  const tags = (await engine.docker.listImages())
    .flatMap(({ RepoTags }) => RepoTags ?? [])
    .filter((tag) => ours.test(tag));
  let removed = 0;
  for (const tag of tags) {
    const gone = await engine.docker
      .getImage(tag)
      .remove({ force: true })
      .then(Boolean, () => false);
    if (gone) removed += 1;
  }
  return removed;
}
