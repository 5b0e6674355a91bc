import type { DesiredService } from '../../model/own-services/owned-service.ts';
import type {
  LookupRequest,
  LookupResponse,
  OrderRequest,
  OrderResponse,
  RenewalInfoRequest,
  RenewalInfoResponse,
} from '../../protocol/acme-messages.ts';

/** The service that orders certificates. */
export interface AcmeClient {
  /** Whether the service answers. */
  isUp(signal: AbortSignal): Promise<boolean>;
  order(request: OrderRequest, signal: AbortSignal): Promise<OrderResponse>;
  renewalInfo(request: RenewalInfoRequest, signal: AbortSignal): Promise<RenewalInfoResponse>;
  /** What DNS says about a name. */
  lookUp(request: LookupRequest, signal: AbortSignal): Promise<LookupResponse>;
}

/** The same service as an object of the swarm. */
export interface AcmeServiceStore {
  /** Creates or updates it; does nothing if it is as desired. */
  ensure(desired: DesiredService<'acme'>): Promise<void>;
  remove(): Promise<void>;
}
