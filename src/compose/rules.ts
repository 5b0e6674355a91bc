/**
 * A rule of Docker's schema for compose files. The rules below cover the keys that affect routing; other keys are only checked by
 * name. `docker stack deploy` rejects a file that violates the schema.
 */
export interface Rule {
  readonly is: readonly Kind[];
  readonly keys?: Readonly<Record<string, Rule>>;
  /** The rule for all entries whose names match. */
  readonly entries?: { readonly names: RegExp; readonly rule: Rule };
  /** Accepts keys that begin with `x-`, since this minor version of the format. */
  readonly extensions?: number;
  readonly items?: Rule;
  /** Rejects duplicate items. */
  readonly unique?: boolean;
  /** The first minor version of the format that supports the key. */
  readonly since?: number;
  /** The type to which Docker converts the text after substituting a variable. */
  readonly cast?: 'integer' | 'boolean';
}

export type Kind = 'mapping' | 'list' | 'string' | 'integer' | 'number' | 'boolean' | 'null';

const NAME = /^[a-zA-Z0-9._-]+$/;
export const anything: Rule = { is: ['mapping', 'list', 'string', 'number', 'boolean', 'null'] };
const text: Rule = { is: ['string'] };
const integer: Rule = { is: ['integer'], cast: 'integer' };
const flag: Rule = { is: ['boolean'], cast: 'boolean' };
const strings: Rule = { is: ['list'], items: text, unique: true };
/** stack.ts checks the content when it reads it. */
const labels: Rule = { is: ['mapping', 'list'], unique: true };

const unread = (...names: readonly string[]): Readonly<Record<string, Rule>> =>
  Object.fromEntries(names.map((name) => [name, anything]));

const deploy: Rule = {
  is: ['mapping', 'null'],
  keys: {
    mode: text,
    endpoint_mode: { ...text, since: 2 },
    replicas: integer,
    labels,
    ...unread('update_config', 'rollback_config', 'resources', 'restart_policy', 'placement'),
  },
};

const port: Rule = {
  is: ['number', 'string', 'mapping'],
  keys: { mode: text, target: integer, published: integer, protocol: text },
};

const attachment: Rule = {
  is: ['mapping', 'null'],
  keys: { aliases: strings, ...unread('driver_opts', 'ipv4_address', 'ipv6_address') },
};

const service: Rule = {
  is: ['mapping'],
  extensions: 7,
  keys: {
    deploy,
    labels,
    depends_on: strings,
    networks: { is: ['list', 'mapping'], items: text, unique: true, entries: { names: NAME, rule: attachment } },
    ports: { is: ['list'], items: port, unique: true },
    image: text,
    container_name: text,
    build: { is: ['string', 'mapping'] },
    configs: { ...anything, since: 3 },
    secrets: { ...anything, since: 1 },
    ...unread('cap_add', 'cap_drop', 'cgroupns_mode', 'cgroup_parent', 'command', 'credential_spec', 'devices', 'dns'),
    ...unread('dns_search', 'domainname', 'entrypoint', 'env_file', 'environment', 'expose', 'external_links'),
    ...unread('extra_hosts', 'group_add', 'healthcheck', 'hostname', 'init', 'ipc', 'isolation', 'links', 'logging'),
    ...unread('mac_address', 'network_mode', 'oom_score_adj', 'pid', 'privileged', 'read_only', 'restart'),
    ...unread('security_opt', 'shm_size', 'stdin_open', 'stop_grace_period', 'stop_signal', 'sysctls', 'tmpfs', 'tty'),
    ...unread('ulimits', 'user', 'userns_mode', 'volumes', 'working_dir'),
  },
};

const external: Rule = { is: ['boolean', 'mapping'], keys: { name: text }, cast: 'boolean' };

const network: Rule = {
  is: ['mapping', 'null'],
  extensions: 7,
  keys: {
    name: { ...text, since: 5 },
    driver: text,
    external,
    labels,
    internal: flag,
    attachable: { ...flag, since: 2 },
    ...unread('driver_opts', 'ipam'),
  },
};

const secret: Rule = {
  is: ['mapping'],
  extensions: 7,
  keys: {
    name: { ...text, since: 5 },
    file: text,
    external,
    labels,
    ...unread('driver', 'driver_opts', 'template_driver'),
  },
};

const section = (rule: Rule, names = NAME): Rule => ({ is: ['mapping'], entries: { names, rule } });

export const composeRule: Rule = {
  is: ['mapping'],
  extensions: 4,
  keys: {
    version: text,
    services: section(service),
    networks: section(network, /^/),
    secrets: { ...section(secret), since: 1 },
    volumes: { is: ['mapping'] },
    configs: { is: ['mapping'], since: 3 },
  },
};

/** Remedies for keys that `docker stack deploy` does not support. */
const COMPOSE_ONLY =
  'Only docker compose supports it. Remove it, or replace it with the output of "docker compose config".';
const LIMITS = 'Set limits under deploy.resources.';
export const remedies: Readonly<Record<string, string>> = {
  include: 'Only docker compose supports it. Pass several files to docker stack deploy, each with -c.',
  profiles: COMPOSE_ONLY,
  extends: COMPOSE_ONLY,
  name: 'Pass the stack name to docker stack deploy, after the files.',
  volume_driver: 'Set the volume driver under the top-level volumes.',
  volumes_from: 'Use a volume defined under the top-level volumes.',
  cpu_quota: LIMITS,
  cpu_shares: LIMITS,
  cpuset: LIMITS,
  mem_limit: LIMITS,
  memswap_limit: LIMITS,
};
