/** Whether this instance may be sent requests. */
export function isReady() {
  return true;
}
