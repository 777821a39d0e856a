"""`cordon upload`: hands footage over from files, folders, camera cards, bags and drop folders; no server code.

footage, cards    what is footage, and what on a card is not
bag, bag_files    bags (RFC 8493) that are read; bag_writer those that are made
sidecar           metadata of the files, from a CSV or JSON file
plan              what would be sent
preflight         what of it need not be: sent by a run before (before), there twice (twins), or held by the force
                  already, which the service says (check)
sender, follow    one file to its last byte, and what became of it; state remembers it between runs
bandwidth, retry, stop, crew    pace, patience, a clean end, several files at once
watch, drop_folder              a folder whose new files are handed over
command, options, report, progress    what the officer sees
"""
