// CloudFront runs this function before every request, including WebSockets. It only admits NETWORKS,
// [address, mask] pairs of 32-bit numbers. IPv6 is disabled in the distribution.
function handler(event) {
  const ip = event.viewer.ip.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const known = NETWORKS.some(([address, mask]) => ((ip & mask) >>> 0) === address);
  return known ? event.request : { statusCode: 403, statusDescription: "Forbidden" };
}
