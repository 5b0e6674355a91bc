import { setTimeout as sleep } from 'node:timers/promises';
import type { Bed, NodeRequest } from './bed.ts';
import type { PublishMode } from './deploy-signalbox.ts';
import { StepFailed } from './step.ts';

/** Waits until a route answers 200. If it does not, the error includes what prevents it. */
export async function awaitRoute(bed: Bed, route: NodeRequest, timeoutMs = 120_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let last = '';
  while (performance.now() < deadline) {
    const answer = await bed.request({ ...route, timeoutMs: 3_000 }).catch((error: Error) => error);
    if (!(answer instanceof Error) && answer.status === 200) return;
    last = answer instanceof Error ? answer.message : `${answer.status} ${answer.body.slice(0, 200)}`;
    await sleep(250);
  }
  const report = await describeSwarm(bed);
  throw new StepFailed(
    `http://${route.host}${route.path ?? '/'} did not answer 200 within ${timeoutMs / 1000} s; last answer: ${last}\n\n${report}`,
    'See above which service lacks tasks, and its errors. For more: npm run swarm -- service logs signalbox_controller',
  );
}

interface ProxyService {
  readonly Spec: { readonly EndpointSpec?: { readonly Ports?: readonly { readonly PublishMode: string }[] } };
  readonly UpdateStatus?: { readonly State: string };
}

/** Waits until the proxies publish their ports in this mode. Changing the mode is a roll-out. */
export async function awaitPublished(bed: Bed, mode: PublishMode, timeoutMs = 120_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await publishes(bed, mode).catch(() => false))) {
    if (performance.now() > deadline)
      throw new StepFailed(
        `The proxies did not publish their ports in ${mode} mode within ${timeoutMs / 1000} s.\n\n${await describeSwarm(bed)}`,
        'See the services and errors above. For more: npm run swarm -- service ps --no-trunc signalbox-proxy',
      );
    await sleep(250);
  }
}

async function publishes(bed: Bed, mode: PublishMode): Promise<boolean> {
  const service = (await bed.manager.docker.getService('signalbox-proxy').inspect()) as ProxyService;
  const ports = service.Spec.EndpointSpec?.Ports ?? [];
  return ports.every(({ PublishMode }) => PublishMode === mode) && service.UpdateStatus?.State !== 'updating';
}

/** Services, task errors and the last lines of the controller's log. */
export async function describeSwarm(bed: Bed): Promise<string> {
  const services = await bed.docker('service', 'ls').catch(String);
  const names = (await bed.docker('service', 'ls', '--format', '{{.Name}}').catch(() => ''))
    .split('\n')
    .filter(Boolean);
  const format = '{{.Name}}\t{{.Node}}\t{{.CurrentState}}\t{{.Error}}';
  const tasks =
    names.length > 0 ? await bed.docker('service', 'ps', '--no-trunc', '--format', format, ...names).catch(String) : '';
  const troubled = tasks
    .split('\n')
    .filter((line) => !/\tRunning [^\t]*\t$/.test(line))
    .slice(0, 30);
  const logs = await bed.logs('signalbox_controller', 25);
  return `${services}\nTasks that are not running:\n${troubled.join('\n')}\nLast lines of the controller log:\n${logs}`;
}
