import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { awaitPublished, awaitRoute } from './await-route.ts';
import type { Bed } from './bed.ts';
import { deployDemo, deploySignalbox, type PublishMode } from './deploy-signalbox.ts';
import type { Engine } from './engine.ts';
import { openBed } from './open-bed.ts';
import { project } from './places.ts';
import { prepare } from './prepare.ts';
import { runCommand, StepFailed, step } from './step.ts';

function readMode(): PublishMode {
  const { values } = parseArgs({ options: { publish: { type: 'string', default: 'ingress' } } });
  if (values.publish === 'ingress' || values.publish === 'host') return values.publish;
  throw new StepFailed(`--publish ${values.publish} is neither ingress nor host.`, 'npm run up -- --publish host');
}

async function open(engine: Engine, image: string): Promise<Bed> {
  return step('nodes', async (progress) => {
    const bed = await openBed(engine, { name: 'dev', ports: 'fixed', image, note: progress.note });
    const shim = (await bed.manager.exec('test', '-e', '/run/mesh-shim')) === 0;
    const notice = '; no IPVS in this kernel: a shim with iptables stands in for VIPs and ingress ports';
    progress.done(`manager, worker1, worker2 are a swarm${shim ? notice : ''}`);
    return bed;
  });
}

await runCommand(async () => {
  const mode = readMode();
  const { engine, images } = await prepare();
  const bed = await open(engine, images.swarmNode);
  await step('load', async (progress) => {
    const sent = await bed.loadImages(...images.product);
    await bed.dropOldImages(images.version);
    progress.done(sent.length > 0 ? `brought ${sent.length} images to the nodes` : 'all nodes have the images');
  });
  const demo = await step('deploy', async (progress) => {
    await deploySignalbox(bed, images.version, mode);
    const deployed = await deployDemo(bed, images.version);
    progress.done(`stacks signalbox${deployed ? ' and demo' : ''}, ports published in ${mode} mode`);
    return deployed;
  });
  await step('route', async (progress) => {
    await awaitPublished(bed, mode);
    if (demo) await awaitRoute(bed, { host: 'demo.local', path: '/ping' });
    progress.done(demo ? 'http://demo.local/ping answers' : 'the proxies are up');
  });
  console.log(guide(existsSync(join(project, 'docker/demo/stack.yml')), mode));
  return 0;
});

function guide(demo: boolean, mode: PublishMode): string {
  const everyNode = mode === 'ingress';
  return `
Signalbox runs on a swarm of three nodes. ${everyNode ? 'Every node answers' : 'The nodes with a proxy answer'}:
            HTTP                    HTTPS
  worker1   http://127.0.0.1:8080   https://127.0.0.1:8443
  worker2   http://127.0.0.1:8081   https://127.0.0.1:8444
${everyNode ? '  manager   http://127.0.0.1:8082   https://127.0.0.1:8445\n' : ''}${demo ? "\nTry:        curl -H 'Host: demo.local' http://127.0.0.1:8080/ping" : ''}
Page:       https://127.0.0.1:9443   user admin, password: npm run --silent password
Status:     SIGNALBOX_PASSWORD=$(npm run --silent password) npx signalbox status --url https://127.0.0.1:9443 --insecure
Logs:       npm run --silent swarm -- service logs -f signalbox_controller
Services:   npm run --silent swarm -- service ls
Your own:   npm run --silent swarm -- stack deploy --resolve-image never -c my-stack.yml my
Stop:       npm run down`;
}
