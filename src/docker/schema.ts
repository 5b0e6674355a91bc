import { z } from 'zod';

/** Only the fields that are used, in the Engine's own shape. Its nulls and absences end here. */

const labels = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});
const list = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .nullish()
    .transform((value) => value ?? []);
const version = z.object({ Index: z.number() });

const attachment = z.object({ Target: z.string() });
const configReference = z.object({ ConfigID: z.string() });
const secretReference = z.object({ SecretID: z.string() });
const port = z.object({
  Protocol: z.string().optional(),
  TargetPort: z.number().optional(),
  PublishedPort: z.number().optional(),
  PublishMode: z.string().optional(),
});

const containerSpec = z.object({
  Image: z.string().optional(),
  Configs: list(configReference),
  Secrets: list(secretReference),
});

export const EngineService = z.object({
  ID: z.string(),
  Version: version,
  CreatedAt: z.string(),
  Spec: z.object({
    Name: z.string(),
    Labels: labels,
    Mode: z
      .object({ Replicated: z.object({ Replicas: z.number().nullish() }).nullish(), Global: z.object({}).nullish() })
      .optional(),
    // Services made by very old clients have their networks here.
    Networks: list(attachment),
    TaskTemplate: z.object({ Networks: list(attachment), ContainerSpec: containerSpec.nullish() }),
    EndpointSpec: z.object({ Mode: z.string().optional(), Ports: list(port) }).nullish(),
  }),
  PreviousSpec: z.object({ TaskTemplate: z.object({ ContainerSpec: containerSpec.nullish() }) }).nullish(),
  Endpoint: z.object({ Ports: list(port) }).nullish(),
  UpdateStatus: z
    .object({ State: z.string().optional(), StartedAt: z.string().optional(), Message: z.string().optional() })
    .nullish(),
});
export type EngineService = z.infer<typeof EngineService>;

export const EngineNetwork = z.object({
  Id: z.string(),
  Name: z.string(),
  Driver: z.string().optional(),
  Scope: z.string().optional(),
  Ingress: z.boolean().optional(),
});
export type EngineNetwork = z.infer<typeof EngineNetwork>;

export const EngineNode = z.object({
  ID: z.string(),
  Spec: z.object({ Role: z.string().optional(), Availability: z.string().optional() }),
  Description: z.object({ Hostname: z.string().optional() }).nullish(),
  Status: z.object({ State: z.string().optional(), Addr: z.string().optional() }).nullish(),
  ManagerStatus: z.object({ Addr: z.string().optional() }).nullish(),
});
export type EngineNode = z.infer<typeof EngineNode>;

/** A config or a secret: both have the same shape, and content is never read. */
export const EngineObject = z.object({
  ID: z.string(),
  CreatedAt: z.string(),
  Spec: z.object({ Name: z.string(), Labels: labels }),
});
export type EngineObject = z.infer<typeof EngineObject>;

export const EngineTask = z.object({
  ID: z.string(),
  CreatedAt: z.string(),
  ServiceID: z.string(),
  NodeID: z.string().optional(),
  Slot: z.number().optional(),
  DesiredState: z.string(),
  Spec: z.object({ ContainerSpec: z.object({ Configs: list(configReference) }).nullish() }),
  Status: z.object({
    State: z.string(),
    Err: z.string().optional(),
    PortStatus: z.object({ Ports: list(port) }).nullish(),
  }),
});
export type EngineTask = z.infer<typeof EngineTask>;

export const EngineEvent = z.object({
  Type: z.string(),
  Action: z.string(),
  Actor: z.object({ ID: z.string() }),
});
export type EngineEvent = z.infer<typeof EngineEvent>;
