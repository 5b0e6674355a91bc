/** CPU time of this process in milliseconds. Unlike the clock, it hardly depends on other load on the machine. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
