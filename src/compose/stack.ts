import { asGiven, problemKind } from '../model/problem-kind.ts';
import type { PublishedPort } from '../model/snapshot.ts';
import { checkForm, composeInvalid } from './check.ts';
import type { Finding } from './finding.ts';
import { parsePorts } from './ports.ts';
import { type Substituted, substitute, type Variables } from './substitute.ts';
import { below, entriesOf, itemsOf, type Place, type Scalar, type Tree } from './tree.ts';

export const variableUnset = problemKind({
  id: 'compose-variable',
  severity: ['warning', 'error'],
  meaning: `A compose file uses a variable that is not set. An error if the file requires it.`,
  ...asGiven,
  example: ['uses the variable DOMAIN, which is not set and expands to an empty string', 'Set it, or add a default.'],
});

/** What compose files say of routing: services with their labels, networks and ports. The rest is not read. */
export interface Stack {
  readonly services: ReadonlyMap<string, StackService>;
  readonly networks: ReadonlyMap<string, StackObject>;
  readonly secrets: ReadonlyMap<string, StackObject>;
}

export interface StackService {
  readonly place: Place;
  /** Labels of the service, under `deploy.labels`. */
  readonly labels: ReadonlyMap<string, Located<string>>;
  /** Labels of the containers. Signalbox does not read them. */
  readonly containerLabels: ReadonlyMap<string, Located<string>>;
  /** Place of the labels, or the place to add them. */
  readonly labelsPlace: Place;
  readonly networks: ReadonlyMap<string, Place>;
  readonly mode: string | undefined;
  readonly replicas: number | undefined;
  readonly endpointMode: string | undefined;
  readonly ports: readonly PublishedPort[];
}

/** A network or a secret. */
export interface StackObject {
  readonly external: boolean;
  /** Full name, if the file sets one. Otherwise it derives from the stack name. */
  readonly name: string | undefined;
  readonly driver: string | undefined;
  readonly labels: ReadonlyMap<string, Located<string>>;
}

export interface Located<T> {
  readonly value: T;
  readonly place: Place;
}

export interface ReadStack {
  readonly stack: Stack;
  readonly findings: readonly Finding[];
}

/** Reads one file and substitutes its variables. */
export function readStack(tree: Tree | undefined, variables: Variables): ReadStack {
  const reader = new StackReader(variables);
  const stack = {
    services: new Map([...entriesOf(below(tree, 'services'))].map(([name, entry]) => [name, reader.service(entry)])),
    networks: new Map([...entriesOf(below(tree, 'networks'))].map(([name, { value }]) => [name, reader.object(value)])),
    secrets: new Map([...entriesOf(below(tree, 'secrets'))].map(([name, { value }]) => [name, reader.object(value)])),
  };
  return { stack, findings: [...checkForm(tree, variables), ...reader.findings] };
}

/** `docker stack deploy` cannot encode infinity and NaN as JSON. */
function isInfinite({ type, text }: Scalar): boolean {
  return type === 'float' && !Number.isFinite(Number(text));
}

class StackReader {
  readonly findings: Finding[] = [];
  readonly #variables: Variables;

  constructor(variables: Variables) {
    this.#variables = variables;
  }

  service({ place, value }: Located<Tree>): StackService {
    const deploy = below(value, 'deploy');
    const replicas = this.#text(below(deploy, 'replicas'));
    return {
      place,
      labels: this.#labels(below(deploy, 'labels')),
      containerLabels: this.#labels(below(value, 'labels')),
      labelsPlace: entriesOf(deploy).get('labels')?.place ?? place,
      networks: this.#networks(below(value, 'networks')),
      mode: this.#text(below(deploy, 'mode')),
      replicas: replicas === undefined || !/^\d+$/.test(replicas) ? undefined : Number(replicas),
      endpointMode: this.#text(below(deploy, 'endpoint_mode')),
      ports: itemsOf(below(value, 'ports')).flatMap((port) => this.#ports(port)),
    };
  }

  /** `external: true`, or the old `external: { name: … }`. */
  object(tree: Tree): StackObject {
    const external = below(tree, 'external');
    return {
      external: external?.kind === 'mapping' || /^(?:y|yes|true|on)$/i.test(this.#text(external) ?? ''),
      name: this.#text(below(tree, 'name')) ?? this.#text(below(external, 'name')),
      driver: this.#text(below(tree, 'driver')),
      labels: this.#labels(below(tree, 'labels')),
    };
  }

  /** Reads a map, or a list of `name=value`. Docker substitutes variables in names only in a list. */
  #labels(tree: Tree | undefined): ReadonlyMap<string, Located<string>> {
    const fromMap = [...entriesOf(tree)].map(([name, { place, value }]) => {
      if (value.kind !== 'scalar' || value.type === 'bool' || isInfinite(value))
        this.#refuse(name, 'is neither a string nor a number: docker stack deploy rejects the file', place);
      return [name, { value: this.#text(value) ?? '', place }] as const;
    });
    const fromList = itemsOf(tree).map((item) => {
      const text = this.#text(item) ?? '';
      const [name = '', ...rest] = text.split('=');
      if (item.kind !== 'scalar' || item.type !== 'string')
        this.#refuse(name, 'is not a string such as name=value: docker stack deploy rejects the file', item.place);
      return [name, { value: rest.join('='), place: item.place }] as const;
    });
    return new Map([...fromMap, ...fromList]);
  }

  #refuse(label: string, reason: string, place: Place): void {
    this.findings.push({ ...composeInvalid(reason, 'Quote it.'), label, place });
  }

  #networks(tree: Tree | undefined): ReadonlyMap<string, Place> {
    const fromMap = [...entriesOf(tree)].map(([name, { place }]) => [name, place] as const);
    const fromList = itemsOf(tree).map((item) => [this.#text(item) ?? '', item.place] as const);
    return new Map([...fromMap, ...fromList]);
  }

  #ports(tree: Tree): PublishedPort[] {
    if (tree.kind !== 'mapping') return parsePorts(this.#text(tree) ?? '');
    const [target, published, mode, protocol] = ['target', 'published', 'mode', 'protocol'].map((key) =>
      this.#text(below(tree, key)),
    );
    return [
      {
        target: Number(target ?? 0),
        published: published === undefined ? undefined : Number(published),
        mode: mode === 'host' ? 'host' : 'ingress',
        protocol: protocol ?? 'tcp',
      },
    ];
  }

  /** The text of a scalar. Null is an empty text. */
  #text(tree: Tree | undefined): string | undefined {
    if (tree?.kind !== 'scalar') return undefined;
    if (tree.type !== 'string') return tree.text;
    const substituted = substitute(tree.text, this.#variables);
    this.#note(substituted, tree.place);
    return substituted.text;
  }

  #note({ unset, refused }: Substituted, place: Place): void {
    if (refused !== undefined) {
      const remedy = 'Set the variable, or write $$ for a literal $.';
      this.findings.push({ ...variableUnset(refused, remedy), severity: 'error', place });
    }
    for (const name of unset) {
      const reason = `uses the variable ${name}, which is not set and expands to an empty string`;
      const remedy = `Set it, or add a default: \${${name}:-…}.`;
      this.findings.push({ ...variableUnset(reason, remedy), place });
    }
  }
}
