import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { pino } from 'pino';
import { AcmeTask } from '../../src/controller/acme/acme-task.ts';
import { StateBook } from '../../src/controller/acme/state-book.ts';
import { type AdministrationStore, ConflictError, type SavedText } from '../../src/controller/ports.ts';
import type { Status } from '../../src/controller/reconcile/status.ts';
import { createStateBuilder } from '../../src/model/desired-state.ts';
import { controlNetwork } from '../../src/model/names.ts';
import type { DesiredService } from '../../src/model/own-services/owned-service.ts';
import { parseSettings } from '../../src/model/settings/settings.ts';
import type { Snapshot, StoredObject, SwarmService } from '../../src/model/snapshot.ts';
import type { OrderRequest, OrderResponse, RenewalInfoResponse } from '../../src/protocol/acme-messages.ts';
import { LookupResponse } from '../../src/protocol/acme-messages.ts';
import { createAuthority } from '../../src/protocol/certificates.ts';
import { InternalCa } from '../../src/protocol/internal-ca.ts';
import { aNetwork } from './builders.ts';
import { FakeClock } from './fake-clock.ts';

const authority = await createAuthority(Date.parse('2026-01-01T00:00:00Z'));
const internalCa = await InternalCa.derive(authority);
const DAY_MS = 86_400_000;

/** A swarm in memory with controllers that order certificates from a CA in memory. */
export class AcmeWorld {
  readonly clock = new FakeClock();
  readonly orders: string[] = [];
  readonly ensured: DesiredService<'acme'>[] = [];
  services: SwarmService[] = [];
  secrets: StoredObject[] = [];
  /** The configuration that all proxies serve contains all routes. */
  isLive = true;
  isUp = true;
  answer: (request: OrderRequest) => Promise<OrderResponse> = ({ names }) => this.issue(names);
  readonly lookups: string[] = [];
  dns: LookupResponse = { addresses: null, caa: null, identities: [] };
  window: RenewalInfoResponse = { againAfterMs: DAY_MS };
  /** Tells the last controller that a pass has ended. */
  announce = (): void => undefined;
  loads = 0;
  /** Called after each change of the shared state: what it throws is the answer to the change. */
  afterSave = (): void => undefined;
  beforeSave = (): void => undefined;
  saved: SavedText | undefined;
  #ids = 0;
  readonly #settings;
  readonly #build = createStateBuilder();
  readonly #unchanged = {
    networks: [aNetwork('app'), aNetwork(controlNetwork)],
    ...{ nodes: [], hostTasks: [], configs: [], owned: [] },
  };

  constructor(issuer: object = {}) {
    const table = { Directory: 'https://ca.test/dir', Email: 'ops@example.org', AcceptTerms: true, ...issuer };
    this.#settings = parseSettings(
      { Acme: { test: table }, Extensions: { default: { PublicPort: 80 } } },
      '1',
    ).settings;
  }

  controller(): AcmeTask {
    const subscribe = (listener: () => void) => {
      this.announce = listener;
      return () => undefined;
    };
    const status = { subscribe };
    Object.defineProperty(status, 'current', { get: () => this.status() });
    return new AcmeTask({
      swarm: { createSecret: async (object) => this.#create(object), removeSecret: async (id) => this.remove(id) },
      status: status as never,
      client: {
        isUp: async () => this.isUp,
        order: async (request) => {
          this.orders.push(request.names.join());
          return this.answer(request);
        },
        renewalInfo: async () => this.window,
        lookUp: async ({ name }) => {
          this.lookups.push(name);
          return LookupResponse.parse(this.dns);
        },
      },
      services: {
        ensure: async (desired) => void this.ensured.push(desired),
        remove: async () => undefined,
      },
      book: new StateBook(this.store),
      internalCa,
      authority,
      image: 'signalbox/acme:1',
      issuers: this.#settings.issuers,
      onChange: () => undefined,
      logger: pino({ level: 'silent' }),
      now: this.clock.now,
    });
  }

  /** Steps until nothing changes without time passing. */
  async settle(...tasks: readonly AcmeTask[]): Promise<void> {
    for (let round = 0; round < 60; round++) {
      const before = JSON.stringify([this.saved, this.secrets, this.orders]);
      await Promise.all(tasks.map((task) => task.step(new AbortController().signal)));
      await Promise.all(tasks.map((task) => task.settled()));
      if (before === JSON.stringify([this.saved, this.secrets, this.orders])) return;
    }
    throw new Error('Not settled');
  }

  /** The controller ends after it has stored a certificate, and before it has recorded that. */
  async endUnrecorded(task: AcmeTask): Promise<void> {
    const stored = this.certificates().length;
    const ended = new AbortController();
    this.beforeSave = () => {
      if (this.certificates().length === stored) return;
      ended.abort();
      throw new Error('Engine unreachable');
    };
    for (let n = 0; n < 4; n++) {
      await task.step(ended.signal).catch(() => undefined);
      await task.settled();
    }
    this.beforeSave = () => undefined;
  }

  status(): Status {
    const snapshot: Snapshot = {
      services: this.services,
      ...this.#unchanged,
      secrets: this.secrets,
    };
    const desired = this.#build(snapshot, this.#settings);
    const outcome = { name: 'default', version: 'v', served: this.isLive ? 'v' : 'old', rolling: false };
    return {
      at: this.clock.now(),
      snapshot,
      desired,
      outcomes: [outcome] as never,
      problems: [],
      since: new Map(),
      backends: new Map(),
    };
  }

  certificates(): string[] {
    return this.secrets
      .filter(({ labels }) => labels['com.signalbox.role'] === 'acme-certificate')
      .map(({ name }) => name);
  }

  readonly store: AdministrationStore = {
    load: async () => {
      this.loads += 1;
      return this.saved;
    },
    save: async (saved) => {
      this.beforeSave();
      if (saved.revision !== (this.saved?.revision ?? 0) + 1) throw new ConflictError('out of date');
      this.saved = saved;
      this.afterSave();
    },
  };

  async issue(names: readonly string[], days = 90): Promise<OrderResponse> {
    x509.cryptoProvider.set(webcrypto as never);
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as never as CryptoKeyPair;
    const notBefore = this.clock.now();
    const notAfter = notBefore + days * DAY_MS;
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: String(++this.#ids).padStart(4, '0'),
      name: 'CN=test',
      notBefore: new Date(notBefore),
      notAfter: new Date(notAfter),
      keys: keys as never,
      signingAlgorithm: algorithm,
      extensions: [new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns', value })))],
    });
    const key = x509.PemConverter.encode(
      await webcrypto.subtle.exportKey('pkcs8', keys.privateKey as never),
      'PRIVATE KEY',
    );
    const chain = certificate.toString('pem');
    return { kind: 'issued', chain, key, serial: '1', notBefore, notAfter, ari: 'a.b', names: [...names] };
  }

  remove(id: string): void {
    this.secrets = this.secrets.filter((secret) => secret.id !== id);
  }

  #create({ name, labels }: { readonly name: string; readonly labels: Readonly<Record<string, string>> }): string {
    if (this.secrets.some((secret) => secret.name === name)) throw new ConflictError(`${name} exists`);
    const id = `secret${++this.#ids}`;
    this.secrets = [...this.secrets, { id, name, labels, createdAt: this.clock.timestamp() }];
    return id;
  }
}

type CryptoKeyPair = { readonly privateKey: unknown; readonly publicKey: unknown };
