import type { z } from 'zod';
import type { Carries } from '../carries.ts';
import type { LabelDefinition, LabelFamily } from '../labels/label.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import type { Peer } from '../route.ts';
import type { Material } from '../secrets/material.ts';
import type { Verdict } from '../secrets/verdict.ts';
import type { GivenLabels, Policies } from '../settings/policies.ts';
import type { SwarmService } from '../snapshot.ts';
import type { OfferedPorts } from '../streams/offered-ports.ts';

/** What a request passes, in this order. */
export const stages = ['entry', 'limit', 'sign-in', 'request', 'service', 'response', 'log'] as const;
type Stage = (typeof stages)[number];

/** Sentences by label. Undefined: the label is not set, or changes nothing. */
export type Explained = Readonly<Record<string, string | undefined>>;

/**
 * A routing feature in one file: its labels, how they are read, and what the templates see. A location's options hold
 * the value; if services share a location, the oldest decides.
 */
export interface Feature<Value> {
  /** By name. Listed in the documentation, the linter and the editor in this order. */
  readonly labels: Readonly<Record<string, LabelDefinition>>;
  readonly families?: readonly LabelFamily[];
  /** Reads the value and reports problems; undefined if the labels change nothing. */
  read(reader: LabelReader, surroundings: Surroundings): Value | undefined;
  /** Accepts the value in messages, where it may be absent. */
  readonly message: z.ZodType<Value>;
  /** Every location has a value, also if no label is set. See `featureWithDefault`. */
  readonly hasDefault?: true;
  /** The label that a conflict between services names. */
  readonly conflict: string;
  /** The labels that may have decided, if there are several. A conflict names the first one that is set. */
  deciding?(value: Value): readonly string[];
  /** When a request meets it. */
  readonly stage: Stage;
  /**
   * What each label does to a request, in plain English, as `signalbox explain` shows it: all labels, and those of
   * families with their complete names. Of secrets, only the names.
   */
  explain(value: Value): Explained;
  /**
   * The part of the value that protects the service. If services share a location and the oldest one's differs, the
   * service is left out. Absent: the feature protects nothing.
   */
  protection?(value: Value): unknown;
  /** Upper bound for the text that it adds to a location, in bytes. */
  bytes(value: Value): number;
  /** Memory of the proxies that it adds to a location, in KiB. */
  zoneKb?(value: Value): number;
  /** Whether its text needs the variable `$dollar`: nginx has no escape for `$`. */
  usesDollar?(value: Value): boolean;
  /** Secrets that the proxies must have. */
  secrets?(value: Value): readonly string[];
  /** Headers that it sets or removes in requests to the service. */
  requestHeaders?(value: Value): readonly HeaderChange[];
  /** Headers that it sets or removes in responses of the service. */
  responseHeaders?(value: Value): readonly HeaderChange[];
  /** The same value with other names of secrets. Required beside `secrets`. */
  withSecrets?(value: Value, rename: (name: string) => string): Value;
  /** Rendered at the beginning of the location, before anything that answers requests. */
  readonly isFirst?: true;
  /**
   * Decides whether requests are forwarded. A location with error pages forwards from another one, which renders all partials
   * with `isChecked`.
   */
  readonly checks?: true;
  /** Tasks that the location asks besides its service, in an upstream of their own. */
  peers?(value: Value): readonly Peer[];
  /** Protocol and certificate verification of these tasks, see `toUpstream`. */
  connection?(value: Value): readonly string[];
  /** Its template partial, `feature-<partial>.hbs`, in the location. Absent if the templates use the value elsewhere. */
  readonly partial?: string;
  /** Fields of the partial; undefined if it renders nothing. */
  view?(value: Value, location: LocationFacts): object | undefined;
  /** Arguments of `error_page` that come before those of all locations. */
  errorPages?(value: Value, location: RenderedLocation): readonly string[];
  /** Texts in the block `http` that the location requires. */
  definitions?(value: Value, location: LocationFacts): readonly Definition[];
  /** Locations of the server that the location requires. Their text counts among `bytes`. */
  serverBlocks?(value: Value, location: LocationFacts): readonly ServerBlock[];
}

/** What a feature may know of the service beyond its labels. */
export interface Surroundings {
  readonly service: SwarmService;
  readonly isGrpc: boolean;
  /** The path prefix that is stripped from requests; '' if none is. */
  readonly strippedPath: string;
  /** Undefined if no such service cluster exists. */
  readonly cluster: ClusterFacts | undefined;
  readonly readSecret: ReadSecret;
}

/**
 * The secret that a label names, with or without the prefix of the stack, by its file name in the proxies. Undefined
 * if it is absent or cannot be used; the route is then closed, and also if `judge` reports an error about its content.
 */
export type ReadSecret = (
  definition: LabelDefinition<string>,
  judge?: (secret: string, material: Material) => readonly Verdict[],
) => string | undefined;

/** What the settings say about the cluster that publishes the service. */
export interface ClusterFacts {
  /** The proxies see addresses of the routing mesh instead of the clients'. */
  readonly hidesAddresses: boolean;
  /** Applications may receive headers with underscores, which many treat like headers with dashes. */
  readonly acceptsUnderscores: boolean;
  /** Lists of addresses and networks, by name. */
  readonly lists: ReadonlyMap<string, readonly string[]>;
  readonly policies: Policies;
  readonly defaults: GivenLabels;
  readonly enforced: GivenLabels;
  /** Host of services that name none, and the key of the settings; undefined if there is none. */
  readonly defaultHost: { readonly key: string; readonly template: string } | undefined;
  /** Ports for TCP and UDP. */
  readonly streams: OfferedPorts;
  /** Issuer of certificates for services without a label; '' for none. */
  readonly acme: string;
  /** The TLS versions of its hosts. */
  readonly tlsProtocols: readonly string[];
  /** Whether the settings list certificates for hosts without their own. */
  readonly givesCertificates: boolean;
}

/** What a feature may know of the location that it is rendered into. */
export interface LocationFacts {
  /** Identifies the oldest service and its path, in names of variables and zones. */
  readonly id: string;
}

/** What else error pages may depend on. */
export interface RenderedLocation extends LocationFacts {
  readonly isGrpc: boolean;
  /** Whether errors of nginx have pages. */
  readonly handlesErrors: boolean;
}

/**
 * A header that replaces the one sent by the client or the service. Of several features that change the same header, the
 * last one decides.
 */
export interface HeaderChange {
  readonly name: string;
  /** Any printable ASCII, or a variable of nginx; neither removes the header. */
  readonly text?: string;
  readonly variable?: string;
  /** The service's own header stays. */
  readonly keepsOwn?: true;
}

/** A text that several locations share: equal keys have equal texts. */
interface SharedText {
  readonly key: string;
  /** Its template partial, `<partial>.hbs`. */
  readonly partial: string;
  /** Fields of the partial. */
  readonly [field: string]: unknown;
}

/** In the block `http`, once in a configuration. */
export interface Definition extends SharedText {
  /** Upper bound for its text, in bytes: it is in the main file, whose size is limited. */
  readonly bytes: number;
}

/** In the block `server`, once in a server. */
export interface ServerBlock extends SharedText {
  /** Request headers of its own. The partial receives the complete list. */
  readonly requestHeaders: readonly HeaderChange[];
  /** Nothing leads to it if the administrator has error pages of their own. */
  readonly forErrors?: true;
}

/** Infers the type of the value. */
export function feature<Value, Labels extends Feature<Value>['labels'], Read extends Feature<Value>['read']>(
  definition: Complete<Value, Labels> & { readonly read: Read },
  ..._lacking: Lacking<Read, Value>
): Complete<Value, Labels> {
  return definition;
}

/** A feature whose value is never absent, such as the protocol. */
export function featureWithDefault<Value, Labels extends Feature<Value>['labels'], Read extends Feature<Value>['read']>(
  definition: WithDefault<Value, Labels> & { readonly read: Read },
  ..._lacking: Lacking<Read, Value>
): WithDefault<Value, Labels> & { readonly hasDefault: true } {
  return { ...definition, hasDefault: true };
}

/** Nothing if messages have all fields of the value that `read` returns; otherwise an argument, which names fields, is missing. */
type Lacking<Read extends (...args: never) => unknown, Message> =
  Carries<NonNullable<ReturnType<Read>>, Message> extends true ? [] : [Carries<NonNullable<ReturnType<Read>>, Message>];

interface Complete<Value, Labels> extends Feature<Value> {
  readonly labels: Labels & Feature<Value>['labels'];
  readonly conflict: (keyof Labels & string) | LabelFamily['name'];
  explain(value: Value): Explained & Readonly<Record<keyof NoInfer<Labels> & string, string | undefined>>;
}

interface WithDefault<Value, Labels> extends Complete<Value, Labels> {
  read(reader: LabelReader, surroundings: Surroundings): Value;
}
