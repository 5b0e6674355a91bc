import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { deployPebble, ensureAcmeServers, pebbleSettings, readRoot } from './acme.ts';
import { awaitPublished, awaitRoute } from './await-route.ts';
import type { Bed } from './bed.ts';
import { type BedShape, fixedPorts, type NodeName, namesOf, parseShape, roleOf } from './bed-shape.ts';
import { deployDemo, deploySignalbox, type PublishMode } from './deploy-signalbox.ts';
import type { Engine } from './engine.ts';
import { openBed } from './open-bed.ts';
import { project, stateDir } from './places.ts';
import { prepare } from './prepare.ts';
import { runCommand, StepFailed, step } from './step.ts';

interface Options {
  readonly mode: PublishMode;
  readonly shape: BedShape;
  readonly acme: boolean;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      acme: { type: 'boolean', default: false },
      publish: { type: 'string', default: 'ingress' },
      managers: { type: 'string' },
      workers: { type: 'string' },
    },
  });
  const shape = parseShape(values);
  if (values.publish === 'ingress' || values.publish === 'host')
    return { mode: values.publish, shape, acme: values.acme };
  throw new StepFailed(`--publish ${values.publish} is invalid: use ingress or host.`, 'npm run up -- --publish host');
}

async function open(engine: Engine, image: string, shape: BedShape): Promise<Bed> {
  return step('nodes', async (progress) => {
    const bed = await openBed(engine, { name: 'dev', ports: 'fixed', image, shape, note: progress.note });
    const shim = (await bed.manager.exec('test', '-e', '/run/mesh-shim')) === 0;
    const notice = '; this kernel has no IPVS: an iptables shim provides VIPs and ingress ports';
    progress.done(`${bed.nodes.map(({ name }) => name).join(', ')} form a swarm${shim ? notice : ''}`);
    return bed;
  });
}

await runCommand(async () => {
  const { mode, shape, acme } = readOptions();
  const { engine, images, bases } = await prepare();
  const bed = await open(engine, images.swarmNode, shape);
  await step('load', async (progress) => {
    const sent = await bed.loadProduct(images);
    await bed.dropOldImages(images.version);
    progress.done(sent.length > 0 ? `copied ${sent.length} images to the nodes` : 'all nodes already have the images');
  });
  const demo = await step('deploy', async (progress) => {
    await deploySignalbox(bed, images.version, mode, acme ? pebbleSettings : '');
    const deployed = await deployDemo(bed, images.version);
    progress.done(`stacks signalbox${deployed ? ' and demo' : ''}, ports published in ${mode} mode`);
    return deployed;
  });
  await step('route', async (progress) => {
    await awaitPublished(bed, mode);
    if (demo) await awaitRoute(bed, { host: 'demo.local', path: '/ping' });
    progress.done(demo ? 'http://demo.local/ping answers' : 'the proxies are up');
  });
  const root = acme
    ? await step('acme', async (progress) => {
        await deployPebble(bed, { engine, bases }, await ensureAcmeServers({ engine, bases }));
        await bed.settle('acme_pebble', 1);
        const file = join(stateDir, 'pebble-root.pem');
        writeFileSync(file, await readRoot(bed));
        progress.done('Pebble issues certificates for services with the label com.docker.lb.acme=pebble');
        return file;
      })
    : undefined;
  const [page = 'manager'] = await bed.nodesOf('signalbox_controller');
  console.log(guide(existsSync(join(project, 'docker/demo/stack.yml')), mode, shape, page));
  if (root !== undefined)
    console.log(
      `Certificates: curl --cacert ${root} --resolve demo.local:8443:127.0.0.1 https://demo.local:8443/ping (after: npm run --silent swarm -- service update --label-add com.docker.lb.acme=pebble demo_app)`,
    );
  return 0;
});

function guide(demo: boolean, mode: PublishMode, shape: BedShape, page: NodeName): string {
  const everyNode = mode === 'ingress';
  const names = namesOf(shape);
  const admin = `https://127.0.0.1:${new Map(fixedPorts(shape, page)).get(9443)}`;
  const answering = names
    .toSorted((a, b) => portsOf(shape, a).http - portsOf(shape, b).http)
    .filter((name) => everyNode || roleOf(name) === 'worker');
  const addresses = answering.map((name) => {
    const { http, https } = portsOf(shape, name);
    return `  ${name.padEnd(8)}  http://127.0.0.1:${http}   https://127.0.0.1:${https}`;
  });
  return `
Signalbox runs on a swarm of ${names.length} nodes. ${everyNode ? 'Every node answers' : 'The nodes with a proxy answer'}:
            HTTP                    HTTPS
${addresses.join('\n')}
${demo ? "\nTry:        curl -H 'Host: demo.local' http://127.0.0.1:8080/ping" : ''}
Page:       ${admin}   user admin, password: npm run --silent password
Status:     SIGNALBOX_PASSWORD=$(npm run --silent password) npx signalbox status --url ${admin} --insecure
Logs:       npm run --silent swarm -- service logs -f signalbox_controller
Services:   npm run --silent swarm -- service ls
Your own:   npm run --silent swarm -- stack deploy --resolve-image never -c my-stack.yml my
Stop:       npm run down`;
}

function portsOf(shape: BedShape, name: NodeName): { readonly http: number; readonly https: number } {
  const ports = new Map(fixedPorts(shape, name));
  return { http: ports.get(8080)!, https: ports.get(8443)! };
}
