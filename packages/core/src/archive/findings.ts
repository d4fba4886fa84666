import { RegistryError } from "../errors.ts";

/** Why an archive was refused: stable code, and what its author can do about it. */
export const findings = {
  // the file as a whole
  not_a_zip: "This is not a zip file. Upload the zip itself.",
  truncated: "The archive is cut off. Send the whole file again.",
  trailing_data: "Bytes follow the end of the archive. Write the zip anew without anything behind it.",
  several_end_records: "The archive has more than one end record, so tools disagree on what it holds. Write it anew.",
  bad_end_record: "The end record contradicts itself. Write the archive anew.",
  several_disks: "The archive is split over several files. Write it as one file.",
  bad_zip64: "The zip64 fields are wrong or contradict the plain ones. Write the archive anew with another tool.",
  bad_directory: "The central directory is damaged, or not as long as it claims. Write the archive anew.",
  unreadable: "Common tools read this archive in another way. Write it anew with another tool.",
  empty_archive: "The archive holds no file. Add at least one.",
  data_before: "Bytes precede the first entry. Write a plain zip, not one that extracts itself.",
  data_between:
    "Bytes that belong to no entry lie between entries. Write the archive anew instead of changing it in place.",
  overlapping_entries: "Entries overlap each other. Write the archive anew.",

  // one entry's records and data
  header_mismatch: "The entry's local header contradicts the central directory. Write the archive anew.",
  bad_descriptor:
    "The entry's data descriptor is missing or contradicts the central directory. Write the archive anew.",
  encrypted: "The entry is encrypted. Write the archive without a password.",
  unsupported_flags: "The entry uses a feature of zip that is not supported. Write it with plain settings.",
  unsupported_method: "The entry is compressed in an unsupported way. Use deflate, or store it.",
  bad_extra: "The entry's extra fields are damaged. Write the archive anew.",
  duplicate_extra: "The entry holds the same extra field twice. Write the archive anew.",
  unsupported_extra:
    "The entry holds an extra field that can turn it into a link or a device. Write it with another tool.",
  corrupt_data: "The entry's data cannot be unpacked. Send the file again, or write it anew.",
  wrong_size: "The entry does not unpack to the size that it declares. Write the archive anew.",
  wrong_crc: "The entry's checksum is wrong. Send the file again, or write it anew.",
  excess_data: "Bytes follow the end of the entry's compressed data. Write the archive anew.",
  padded_data: "The entry's compressed data is much larger than what it unpacks to. Write the archive anew.",

  // limits
  too_many_entries: "The archive holds too many files and folders. Leave some out.",
  directory_too_large: "The names and comments in the archive take too much room. Shorten paths, or leave files out.",
  unpacked_too_large: "The archive unpacks to more than is allowed. Leave some files out.",
  ratio_too_high: "The archive unpacks to suspiciously more than its own size. Store repetitive files in another form.",
  time_limit: "Looking through the archive took too long. Try again, or make it smaller.",
  manifest_too_large: "publish.yaml is larger than 256 KiB. Shorten it.",

  // names
  bad_encoding: "The entry's name is not valid UTF-8. Write names as UTF-8.",
  name_mismatch: "The entry carries two different names. Write the archive anew with another tool.",
  empty_name: "An entry has no name, or a folder without one in its path. Write the archive anew.",
  absolute_path: "The entry's path is absolute. Use paths relative to the package.",
  parent_path: "The entry's path leaves the package through `..`. Use paths inside the package.",
  backslash: "The entry's path holds a backslash. Separate folders by `/`.",
  colon: "The entry's path holds a colon, which names a drive or a stream on some systems. Rename the file.",
  control_character: "The entry's name holds a control character. Rename the file.",
  bidi_character: "The entry's name holds a character that changes the direction of text. Rename the file.",
  dot_or_space_end: "A part of the entry's path is `.`, or ends in a dot or a space. Rename it.",
  reserved_name: "A part of the entry's path is a device name on Windows. Rename it.",
  path_too_long: "The entry's path, or a part of it, is too long or too deep. Shorten it.",
  duplicate_name: "Two entries have the same name, or names that differ only in case or in Unicode form. Rename one.",
  file_is_folder: "A file is also used as a folder. Rename one of them.",

  // kinds of entries
  special_file: "The entry is neither a file nor a folder nor a link. Leave it out.",
  kind_mismatch: "The entry's name and its attributes disagree on whether it is a folder. Write the archive anew.",
  folder_with_data: "A folder's entry holds data. Write the archive anew.",
  link_refused: "The entry is a symbolic link, and links are not allowed here. Put a copy of the file in its place.",
  bad_link:
    "The link's target is absolute, leaves the package, is too long or unreadable. Link to a file of the package.",
  link_in_path: "The entry lies behind a symbolic link. Put it at its real place.",

  // publish.yaml
  bad_manifest: "publish.yaml is not a valid YAML mapping. Correct it.",
} as const satisfies Record<string, string>;

/** Stable name of what is wrong with an archive; see {@link findings}. */
export type Finding = keyof typeof findings;

const printableLimit = 200;

/** An entry's name made safe to show: odd characters escaped as `\u{…}`, at most 200 characters. */
export function printableName(name: string): string {
  const escaped = name
    .slice(0, 2 * printableLimit + 1)
    .replace(/[\p{C}\p{Zl}\p{Zp}\\]/gu, (character) =>
      character === "\\" ? "\\\\" : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
    );
  const characters = [...escaped];
  return characters.length <= printableLimit ? escaped : `${characters.slice(0, printableLimit - 1).join("")}…`;
}

/** The failure that tells of one finding, about one entry where there is one to blame. */
export function refusal(finding: Finding, entryName?: string, cause?: unknown): RegistryError {
  const entry = entryName === undefined ? {} : { entry: printableName(entryName) };
  return new RegistryError("invalid_archive", {
    details: { finding, hint: findings[finding], ...entry },
    ...(cause === undefined ? {} : { cause }),
  });
}
