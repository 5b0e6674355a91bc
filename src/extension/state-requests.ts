import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { digest } from '../lib/digest.ts';
import type { TasksRequest } from '../protocol/agent-messages.ts';
import type { Reply } from '../protocol/channel-server.ts';
import type { Claims } from './claims.ts';
import type { Offers } from './offers.ts';

/** Notifies when templates change, which happens while they are edited. */
export interface TemplateVersions {
  readonly version: string;
  changed(known: string): Promise<void>;
}

export interface StateRequestsOptions {
  readonly claims: Claims;
  readonly offers: Offers;
  readonly templates: TemplateVersions;
}

/** The state that the controller follows, and the tasks that it knows. */
export class StateRequests {
  readonly #options: StateRequestsOptions;
  #tasks: string | undefined;
  #tasksChange = Promise.withResolvers<void>();

  constructor(options: StateRequestsOptions) {
    this.#options = options;
  }

  async tasks({ tasks }: z.infer<typeof TasksRequest>): Promise<Reply> {
    this.#options.claims.know(tasks);
    this.#tasks = digest(JSON.stringify(tasks));
    this.#tasksChange.resolve();
    this.#tasksChange = Promise.withResolvers();
    return { status: 204 };
  }

  async state(request: IncomingMessage, hold: AbortSignal): Promise<Reply> {
    const known = request.url!.split('/')[2] ?? '';
    const { offers, templates } = this.#options;
    const current = () => digest(JSON.stringify([templates.version, offers.state, this.#tasks]));
    if (current() === known) {
      const moved = new AbortController();
      const either = AbortSignal.any([hold, moved.signal]);
      const changes = [templates.changed(templates.version), this.#tasksChange.promise];
      await Promise.race([...changes, offers.moved(offers.state, either)]);
      moved.abort();
    }
    const state = { digest: current(), templates: templates.version, tasks: this.#tasks };
    return { status: 200, body: { ...state, ...offers.state } };
  }
}
