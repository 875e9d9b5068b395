"""What pages, HTTP and terminal show: reads only, one file per subject, frozen values out."""
