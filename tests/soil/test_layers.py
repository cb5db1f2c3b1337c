import pytest

from app.soil.layers import ACCEPTED_STATUSES, STATUS_OF_SOC_METHOD, soc_status_of_method


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("OrgC_dc", "measured_dc"),
        ("OrgC_dc-ht-analyser", "measured_dc"),
        ("OrgC_acid-dc", "measured_dc"),
        ("OrgC_acid-dc-ht", "measured_dc"),
        ("OrgC_dc-spec", "spectral"),
        ("OrgC_acid-dc-spec", "spectral"),
        ("OrgC_dc-lt-loi", "loi_converted"),
        ("OrgC_wc", "measured_wc_assumed"),
        ("OrgC_wc-cro3-walkleyblack", "measured_wc_assumed"),
        ("OrgC_wc-cro3-walkleyblack; factor 1.3 applied", "measured_wc_corrected"),
        ("OrgC_wc;factor 1.6  applied", "measured_wc_corrected"),
        ("OrgC_wc; factor 1 applied", "measured_wc_assumed"),
        ("OrgC_wc; factor 1.61 applied", "measured_wc_assumed"),
        ("OrgC_wc; factor unknown applied", "measured_wc_assumed"),
        ("OrgC_wc; factor 1.3 not applied", "measured_wc_assumed"),
        ("OrgC_dc; factor 1.3 applied", "measured_dc"),
        ("OrgC_dc-spec; factor 1 applied", "spectral"),
        ("OrgC_calcul-tc-ic", "measured"),
        ("dry combustion", "measured"),
        ("", "measured"),
        (None, "measured"),
    ],
)
def test_procedure_code_makes_a_measured_carbon_finer_where_it_says_more(method: str | None, status: str):
    assert soc_status_of_method(method, "measured") == status


@pytest.mark.parametrize("status", [word for word in ACCEPTED_STATUSES["soc_status"] if word != "measured"])
@pytest.mark.parametrize("method", ["OrgC_dc", "OrgC_wc", "OrgC_dc-spec", "OrgC_dc-lt-loi", None])
def test_procedure_code_leaves_every_other_status_as_it_is(method: str | None, status: str):
    assert soc_status_of_method(method, status) == status


def test_statuses_of_procedure_codes_are_accepted():
    assert set(STATUS_OF_SOC_METHOD.values()) <= set(ACCEPTED_STATUSES["soc_status"])
