import { Gauge, type Registry } from 'prom-client';
import type { BackendState } from '../../model/backends/backends.ts';
import { connectionFaults } from '../../model/backends/connections.ts';
import type { StatusBoard } from '../reconcile/status.ts';

/** Series only for services that need attention: thousands of healthy ones would make the answer large. */
export function observeBackends(status: StatusBoard, registers: Registry[]): void {
  const backends = () => [...(status.current?.backends ?? [])];
  new Gauge({
    name: 'signalbox_services',
    help: 'Services that own routes, by the state of their tasks: all tasks answer, some, or none.',
    labelNames: ['tasks'],
    registers,
    collect() {
      for (const tasks of ['all', 'some', 'none'] as const)
        this.set({ tasks }, backends().filter(([, state]) => answering(state) === tasks).length);
    },
  });
  new Gauge({
    name: 'signalbox_service_missing_tasks',
    help: 'Desired tasks that do not run, by service. Services whose tasks all run are left out.',
    labelNames: ['service'],
    registers,
    collect() {
      this.reset();
      for (const [service, { desired, running }] of backends())
        if (running < desired) this.set({ service }, desired - running);
    },
  });
  new Gauge({
    name: 'signalbox_service_unreachable_tasks',
    help: 'Tasks to which the proxies cannot connect, by service and reason: refused, timedOut or unreachable.',
    labelNames: ['service', 'reason'],
    registers,
    collect() {
      this.reset();
      for (const [service, { faults }] of backends())
        for (const reason of connectionFaults) if (faults?.[reason]) this.set({ service, reason }, faults[reason]);
    },
  });
}

function answering({ desired, running, problem }: BackendState): 'all' | 'some' | 'none' {
  if (problem?.severity === 'error' || (running === 0 && desired > 0)) return 'none';
  return problem !== undefined || running < desired ? 'some' : 'all';
}
