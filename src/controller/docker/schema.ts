import { z } from 'zod';

/** The used fields in the Engine's format. Null and absent values are normalized here. */

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

const attachment = z.object({ Target: z.string(), Aliases: list(z.string()) });
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
  Hostname: z.string().optional(),
  Labels: labels,
  Configs: list(configReference),
  Secrets: list(secretReference),
});

const platform = z.object({ OS: z.string().optional(), Architecture: z.string().optional() });
const placement = z.object({
  Constraints: list(z.string()),
  Preferences: list(z.object({ Spread: z.object({ SpreadDescriptor: z.string().optional() }).nullish() })),
  Platforms: list(platform),
});

const taskTemplate = z.object({
  Networks: list(attachment),
  ContainerSpec: containerSpec.nullish(),
  Placement: placement.nullish(),
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
    // Services created by very old clients have their networks here.
    Networks: list(attachment),
    TaskTemplate: taskTemplate,
    EndpointSpec: z.object({ Mode: z.string().optional(), Ports: list(port) }).nullish(),
  }),
  PreviousSpec: z.object({ Networks: list(attachment), TaskTemplate: taskTemplate }).nullish(),
  Endpoint: z
    .object({ Ports: list(port), VirtualIPs: list(z.object({ NetworkID: z.string(), Addr: z.string().optional() })) })
    .nullish(),
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
  Labels: labels,
  IPAM: z.object({ Config: list(z.object({ Subnet: z.string().optional() })) }).nullish(),
});
export type EngineNetwork = z.infer<typeof EngineNetwork>;

export const EngineNode = z.object({
  ID: z.string(),
  Spec: z.object({ Role: z.string().optional(), Availability: z.string().optional(), Labels: labels }),
  Description: z
    .object({
      Hostname: z.string().optional(),
      Platform: platform.nullish(),
      Engine: z.object({ Labels: labels }).nullish(),
    })
    .nullish(),
  Status: z.object({ State: z.string().optional(), Addr: z.string().optional() }).nullish(),
  ManagerStatus: z.object({ Addr: z.string().optional() }).nullish(),
});
export type EngineNode = z.infer<typeof EngineNode>;

/** A config or a secret. Both have the same format, and their content is never read. */
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
    Timestamp: z.string().optional(),
    Err: z.string().optional(),
    PortStatus: z.object({ Ports: list(port) }).nullish(),
  }),
  NetworksAttachments: list(z.object({ Network: z.object({ ID: z.string() }), Addresses: list(z.string()) })),
});
export type EngineTask = z.infer<typeof EngineTask>;

export const EngineEvent = z.object({
  Type: z.string(),
  Action: z.string(),
  Actor: z.object({ ID: z.string() }),
});
export type EngineEvent = z.infer<typeof EngineEvent>;
