import { z } from 'zod';

const wanted = z.object({ id: z.string(), name: z.string(), file: z.string() });

/** The only module of the job that reads environment variables, which the controller sets. */
const schema = z.object({
  SIGNALBOX_CLUSTER: z.string(),
  /** Public key of the cluster's proxies. */
  SIGNALBOX_RECIPIENT: z.string(),
  /** The mounted secrets, as JSON. Names and IDs are no secrets. */
  SIGNALBOX_SECRETS: z.preprocess((text) => JSON.parse(String(text)), z.array(wanted)),
});

export function readEnvironment() {
  const variables = schema.parse(process.env);
  return {
    cluster: variables.SIGNALBOX_CLUSTER,
    publicKey: variables.SIGNALBOX_RECIPIENT,
    secrets: variables.SIGNALBOX_SECRETS,
  };
}
