import { z } from 'zod';
import { plainText } from '../lib/plain-text.ts';

/**
 * Parts of several messages. Both ends validate messages: the extension because its input comes from labels, the controller because a
 * compromised extension must be limited to bounded text.
 */

export const MAX_NAME = 512;
export const name = z.string().max(MAX_NAME);
/** Name of the file in the proxies: of the secret, and perhaps a part of its ID. */
export const secretName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,76}$/);
export const digest = z.string().regex(/^[0-9a-f]{16}$/);

export const networks = z.array(z.string().regex(/^[0-9a-fA-F.:/]{2,50}$/));
export const dnsName = z.string().regex(/^[A-Za-z0-9_.-]{1,253}$/);

export const task = z.string().regex(/^[a-z0-9]{1,64}$/);

export const MAX_CERTIFICATE_NAMES = 10_000;

/** A Docker config holds less than this. */
const MAX_FILE_LENGTH = 1000 * 1024;
export const file = z.object({
  path: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,63}$/),
  digest,
  text: z.string().max(MAX_FILE_LENGTH),
});

/** Digest of the extension's templates. */
export const templatesVersion = digest;
/** The message of nginx, or of an attacker. It appears in the log, the state and the page. */
const MAX_MESSAGE = 2000;
export const message = z
  .string()
  .max(MAX_MESSAGE)
  .transform((text) => plainText(text, MAX_MESSAGE));

/** Stops at a list's first error: a message full of errors would otherwise cause issues of a hundred times its size. */
export function firstFault<T>(item: z.ZodType<T>, most: number) {
  return z
    .array(z.unknown())
    .max(most)
    .transform((values, context): T[] => {
      const read: T[] = [];
      for (const [position, value] of values.entries()) {
        const { data, error } = item.safeParse(value);
        if (error) {
          const [{ path, message }] = error.issues as [z.core.$ZodIssue];
          context.addIssue({ code: 'custom', path: [position, ...path], message });
          return z.NEVER;
        }
        read.push(data as T);
      }
      return read;
    });
}
