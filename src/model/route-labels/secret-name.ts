import { z } from 'zod';

/** A secret is mounted as a file with its name. */
export const secretName = z
  .string()
  .trim()
  .regex(/^[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,62}[a-zA-Z0-9])?$/, 'is not the name of a secret')
  .refine((value) => !value.startsWith('signalbox.'), 'is a secret of the control channel');
