/** Processor time of this process in milliseconds: unlike the clock it hardly depends on what else the machine does. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
