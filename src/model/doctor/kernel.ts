import type { Check } from './check.ts';
import type { DoctorFacts } from './facts.ts';

export const ipvs: Check<DoctorFacts> = {
  id: 'ipvs',
  title: "The kernel of the controller's manager has IPVS",
  run({ manager: { hasIpvs } }) {
    if (hasIpvs === undefined) return undefined;
    if (hasIpvs) return [];
    return [
      {
        severity: 'error',
        what: 'The kernel module ip_vs is not loaded',
        why: "Docker's routing mesh and virtual addresses use it. Published ports in mode ingress do not answer without it.",
        fix: 'Load it: modprobe ip_vs ip_vs_rr. Kernels of some small distributions and virtual machines lack it.',
      },
    ];
  },
};

/** Docker's gossip between many nodes overflows smaller buffers in bursts. */
const LEAST_RMEM = 212_992;

export const receiveBuffers: Check<DoctorFacts> = {
  id: 'receive-buffers',
  title: "Receive buffers of the controller's manager have at least the kernel's default size",
  run({ manager: { rmemDefault } }) {
    if (rmemDefault === undefined) return undefined;
    if (rmemDefault >= LEAST_RMEM) return [];
    return [
      {
        severity: 'warning',
        what: `net.core.rmem_default is ${rmemDefault} bytes`,
        why: 'Bursts of UDP are lost: the gossip between nodes (7946), VXLAN, DNS and UDP routes.',
        fix: `sysctl -w net.core.rmem_default=${LEAST_RMEM}`,
      },
    ];
  },
};
