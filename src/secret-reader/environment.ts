import { z } from 'zod';
import { variables } from '../model/own-services/variables.ts';

const wanted = z.object({ id: z.string(), name: z.string(), file: z.string() });

/** The only module of the job that reads environment variables, which the controller sets. */
const schema = z.object({
  [variables.cluster]: z.string(),
  [variables.recipient]: z.string(),
  /** The mounted secrets, as JSON. Names and IDs are no secrets. */
  [variables.secrets]: z.preprocess((text) => JSON.parse(String(text)), z.array(wanted)),
});

export function readEnvironment() {
  const values = schema.parse(process.env);
  return {
    cluster: values[variables.cluster],
    publicKey: values[variables.recipient],
    secrets: values[variables.secrets],
  };
}
