"""What the synthetic MIMIC-III and MIMIC-IV have in common.

roster           ids and dates of the stays
ventilator       who breathes through a tube, and when
chart, labs      what was measured
fluids, care     what was given, put out, done and ordered
cultures         specimens, and what grew of them
billing          codes of the hospital stay, given at its end
studies          chest X-rays: when, and what there is to see
notes            what notes tell, and the words for it: prose, discharge_prose, radiology_prose
tau              how far each modality is wrong
item_list, billing_list, care_list   what things are called

Rows are those of MIMIC-IV, which MIMIC-III writes in its own way.
"""
