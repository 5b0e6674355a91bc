// Pulls the official base images and writes their digests into the Dockerfiles: npm run pin
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BaseName, baseArguments, officials, pinReference } from './base-references.ts';
import { type Engine, ensureEngine } from './engine.ts';
import { project } from './places.ts';
import { run } from './shell.ts';
import { runCommand, StepFailed, step } from './step.ts';

async function currentDigest(engine: Engine, name: BaseName): Promise<string> {
  const [tag = ''] = officials[name].split('@');
  await run(engine.cli, ['pull', '--quiet', tag]).catch((cause) => {
    throw new StepFailed(`${tag} cannot be pulled: ${cause}`, 'Run this on a machine that can reach a registry.', {
      cause,
    });
  });
  const { RepoDigests = [] } = await engine.docker.getImage(tag).inspect();
  const digest = RepoDigests[0]?.split('@')[1];
  if (digest === undefined) throw new Error(`The engine has no digest for ${tag}`);
  return digest;
}

await runCommand(async () => {
  const engine = await step('engine', ensureEngine);
  for (const name of Object.keys(baseArguments) as BaseName[]) {
    await step(name, async (progress) => {
      const digest = await currentDigest(engine, name);
      const { argument, files } = baseArguments[name];
      for (const file of files) {
        const path = join(project, file);
        writeFileSync(path, pinReference(readFileSync(path, 'utf8'), argument, digest));
      }
      progress.done(digest);
    });
  }
  return 0;
});
