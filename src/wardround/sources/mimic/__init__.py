"""What MIMIC-III and MIMIC-IV share: the rules of stays, item numbers, and how rows of each table become events."""
