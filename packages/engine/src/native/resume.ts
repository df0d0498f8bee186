/**
 * Downloads one wheel inside pip's own Python, with pip's finder and pip's session, so that its index, proxies, certificates
 * and passwords hold, but, unlike `pip download`, continues a part that an earlier call left. pip has no interface for that;
 * where its insides are not as expected here, the program ends with `unknownPip`, and `pip download` has to do.
 *
 * Arguments: the folder, then those of `pip download`. Its last line is the wheel's name, which appears only when it is whole.
 */
export const resumingDownload = `
import hashlib, os, sys

try:
    from pip._internal.cli.cmdoptions import make_target_python
    from pip._internal.commands import create_command
    from pip._internal.utils.logging import setup_logging
    from pip._vendor.packaging.requirements import Requirement

    folder, arguments = sys.argv[1], sys.argv[2:]
    setup_logging(verbosity=0, no_color=True, user_log_file=None)
    command = create_command("download")
    context = command.main_context()
    context.__enter__()
    options, (text,) = command.parse_args(arguments)
    session = command.get_default_session(options)
    finder = command._build_package_finder(options, session, make_target_python(options))
    find = finder.find_best_candidate
except (ImportError, AttributeError, TypeError) as error:
    print(repr(error))
    sys.exit(3)

requirement = Requirement(text)
candidate = find(requirement.name, requirement.specifier).best_candidate
if candidate is None:
    sys.exit("No matching distribution found for %s (platforms: %s)" % (text, ", ".join(options.platforms or [])))
link = candidate.link
whole = os.path.join(folder, link.filename)
part = whole + ".part"
left = 5
parent = os.getppid()
while True:
    have = os.path.getsize(part) if os.path.exists(part) else 0
    headers = {"Accept-Encoding": "identity"}
    if have > 0:
        headers["Range"] = "bytes=%d-" % have
    size = have
    try:
        response = session.get(link.url_without_fragment, headers=headers, stream=True)
        if response.status_code == 416:
            # Nothing comes after what is here: it is whole, or it is of another file.
            if response.headers.get("Content-Range", "").split("/")[-1] == str(have):
                break
            os.remove(part)
            continue
        response.raise_for_status()
        if response.status_code != 206:
            size = 0
        length = response.headers.get("Content-Length")
        total = None if length is None else size + int(length)
        with open(part, "ab" if size > 0 else "wb") as out:
            for chunk in response.iter_content(1 << 18):
                if os.getppid() != parent:
                    sys.exit("the installation that wanted this has ended")
                out.write(chunk)
                size += len(chunk)
        if total is None or size == total:
            break
        problem = "the connection ended after %d of %d bytes" % (size, total)
    except OSError as error:
        if error.errno == 28:
            sys.exit("No space left on device")
        problem = str(error)
    # Whatever came keeps it going; without any progress it is given up after some tries.
    left = 5 if size > have else left - 1
    if left == 0:
        sys.exit(problem)

if link.hash_name is not None:
    digest = hashlib.new(link.hash_name)
    with open(part, "rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            digest.update(chunk)
    if digest.hexdigest() != link.hash:
        os.remove(part)
        sys.exit("%s has another hash than the index says" % link.filename)
os.replace(part, whole)
print(link.filename)
`;

/** The status of the program above where it does not know this pip. */
export const unknownPip = 3;
