/** The name of an object's class: what the class calls itself (`static className`), since bundlers rename classes. */
export function classNameOf(instance: object): string {
  const { className, name } = instance.constructor as unknown as { className?: unknown; name: string };
  return typeof className === 'string' ? className : name;
}
