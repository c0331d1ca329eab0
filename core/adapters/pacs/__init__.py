"""Exchange of films with a hospital's image archive (PACS) over DICOM; off until the user switches it on."""
