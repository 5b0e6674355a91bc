import { parseHost } from './hosts/host.ts';
import type { SwarmService } from './snapshot.ts';

/** `docker stack deploy` sets both the label and the name. The label alone could name any stack. */
export function stackOf({ name, labels }: Pick<SwarmService, 'name' | 'labels'>): string {
  const stack = labels['com.docker.stack.namespace'] ?? '';
  return name.startsWith(`${stack}_`) ? stack : '';
}

/** Fills in `DefaultHost`. The name is without the prefix of the stack; '' for no stack. */
export function fillHost(template: string, name: string, stack: string): string {
  const own = stack === '' ? template.replaceAll(/-\{stack\}|\{stack\}[.-]|\.\{stack\}$/g, '') : template;
  return own.replaceAll('{service}', hostLabel(name)).replaceAll('{stack}', hostLabel(stack));
}

export function defaultHostOf(template: string, service: Pick<SwarmService, 'name' | 'labels'>): string {
  const stack = stackOf(service);
  return fillHost(template, stack === '' ? service.name : service.name.slice(stack.length + 1), stack);
}

export function isHostTemplate(text: string): boolean {
  if (!text.includes('{service}')) return false;
  return [fillHost(text, 'a', 'b'), fillHost(text, 'a', '')].every((name) => {
    const host = parseHost(name);
    return typeof host === 'object' && host.kind === 'exact';
  });
}

/** One label of a host name: a dot in a service's name must not lead into the names of another stack. */
function hostLabel(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
}
