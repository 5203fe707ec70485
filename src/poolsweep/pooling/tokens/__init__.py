"""Token poolings, one per file; the file's name, the YAML's and the class's are one."""
