import { z } from 'zod';
import { peerMessage } from './peer-message.ts';
import type { Peer } from './route.ts';

/** Another service of the swarm, as a label names it. */
export interface ServiceAddress {
  /** With or without the prefix of the stack. */
  readonly name: string;
  readonly port: number;
}

export interface FoundService extends ServiceAddress {
  /** Empty: the proxies cannot reach it. */
  readonly peers: readonly Peer[];
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;

/** `sablier:10000` */
export const serviceAddress = z
  .string()
  .trim()
  .transform((text, context): ServiceAddress => {
    const [, name = '', port = '80'] = /^([^:]*)(?::(\d{1,5}))?$/.exec(text) ?? [];
    const address = { name, port: Number(port) };
    if (!NAME.test(name)) context.addIssue('is not the name of a service with a port, such as waker:8080');
    else if (address.port < 1 || address.port > 65_535) context.addIssue('has a port that is not 1 to 65535');
    return address;
  });

export const foundServiceMessage = z.object({
  name: z.string().regex(NAME),
  port: z.int().min(1).max(65_535),
  peers: z.array(peerMessage).max(5000),
});
