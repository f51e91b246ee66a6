"""Dashboards as Grafana's JSON: the only module that knows grafana-foundation-sdk.

The SDK sets no panel ids and does not sort keys. Here ids derive from titles and keys are sorted, so a dashboard is
the same text in every process.
"""

import json
from collections.abc import Iterator
from string import ascii_uppercase
from typing import Any, Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import (
    cloudwatch,
    common,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import dashboard as sdk

from apps.monitoring.dashboards.layout import GridItem, grid_items
from apps.monitoring.dashboards.model import (
    CloudWatchQuery,
    Dashboard,
    Panel,
    PanelQuery,
    PanelRow,
    ResourceVariable,
    ValueMapping,
    Variable,
)
from apps.monitoring.renderers.grafana_tables import Transformation, overrides, transformations
from apps.monitoring.renderers.grafana_terms import (
    COLOURS,
    REGION,
    SOURCES,
    UNITS,
    color_steps,
    dashboard_path,
    data_link_url,
    label_query,
    mappings_by_value,
    panel_link_url,
    resource_query,
)

NO_VALUE: Final = "no data"
ALL: Final = "$__all"


def grafana_json(dashboard: Dashboard) -> str:
    """The dashboard for Grafana's API: indented by two spaces, sorted keys, trailing newline."""
    return json.dumps(_dashboard(dashboard), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _dashboard(dashboard: Dashboard) -> sdk.Dashboard:
    return sdk.Dashboard(
        uid=dashboard.uid,
        title=dashboard.title,
        description=dashboard.question,
        tags=["anden"],
        editable=False,
        graph_tooltip=sdk.DashboardCursorSync.CROSSHAIR,
        time=sdk.DashboardDashboardTime(from_val=dashboard.time_from, to="now"),
        timepicker=sdk.TimePickerConfig(),
        refresh="1m",
        panels=[_grid_panel(place, dashboard) for place in grid_items(dashboard)],
        templating=sdk.DashboardDashboardTemplating(list_val=list(_variables(dashboard))),
        annotations=sdk.AnnotationContainer(list_val=[_deploys()]),
        links=list(_dashboard_links(dashboard)),
    )


def _deploys() -> sdk.AnnotationQuery:
    """A vertical line at each deploy, annotated by the sync."""
    return sdk.AnnotationQuery(
        name="Deploys",
        datasource=sdk.DataSourceRef(type_val="grafana", uid="-- Grafana --"),
        icon_color=COLOURS["neutral"],
        target=sdk.AnnotationTarget(limit=100, match_any=False, tags=["anden", "deploy"], type_val="tags"),
    )


def _dashboard_links(dashboard: Dashboard) -> Iterator[sdk.DashboardLink]:
    for link in dashboard.links:
        yield sdk.DashboardLink(
            title=link.title,
            type_val=sdk.DashboardLinkType.LINK,
            url=dashboard_path(link.dashboard),
            icon="dashboard",
            tags=[],
            include_vars=True,
            keep_time=True,
        )
    yield sdk.DashboardLink(
        title="All dashboards",
        type_val=sdk.DashboardLinkType.DASHBOARDS,
        icon="external link",
        tags=["anden"],
        as_dropdown=True,
        include_vars=True,
        keep_time=True,
    )


# Variables


def _variables(dashboard: Dashboard) -> Iterator[sdk.VariableModel]:
    used = {_source(panel) for panel in dashboard.panels}
    for kind in sorted(used, reverse=True):
        yield _source_variable(kind)
    for variable in dashboard.variables:
        yield _resource(variable) if isinstance(variable, ResourceVariable) else _labels(variable)


def _source_variable(kind: str) -> sdk.VariableModel:
    label, uid, name = SOURCES[kind]
    return sdk.VariableModel(
        type_val=sdk.VariableType.DATASOURCE,
        name=kind,
        label=label,
        query=kind,
        current=sdk.VariableOption(selected=True, text=name, value=uid),
    )


def _labels(variable: Variable) -> sdk.VariableModel:
    """A variable with a label's values, or with a query's series in its order."""
    every = sdk.VariableOption(selected=True, text=["All"], value=[ALL])
    return sdk.VariableModel(
        type_val=sdk.VariableType.QUERY,
        name=variable.name,
        label=variable.title,
        hide=sdk.VariableHide.HIDE_VARIABLE if variable.ranked else None,
        datasource=_source_ref("prometheus"),
        query=label_query(variable),
        regex=f'/{variable.label}="([^"]+)"/' if variable.ranked else "",
        refresh=sdk.VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=sdk.VariableSort.DISABLED if variable.ranked else sdk.VariableSort.ALPHABETICAL_ASC,
        multi=variable.many,
        include_all=variable.many,
        all_value=".*" if variable.many and not variable.ranked else None,
        current=every if variable.many else None,
    )


def _resource(variable: ResourceVariable) -> sdk.VariableModel:
    return sdk.VariableModel(
        type_val=sdk.VariableType.QUERY,
        name=variable.resource,
        label=variable.title,
        datasource=_source_ref("cloudwatch"),
        query=resource_query(variable),
        refresh=sdk.VariableRefresh.ON_DASHBOARD_LOAD,
        sort=sdk.VariableSort.ALPHABETICAL_ASC,
    )


# Panels


def _source(panel: Panel) -> str:
    return "cloudwatch" if panel.is_aws else "prometheus"


def _source_ref(kind: str) -> sdk.DataSourceRef:
    return sdk.DataSourceRef(type_val=kind, uid=f"${{{kind}}}")


def _grid_panel(place: GridItem, dashboard: Dashboard) -> sdk.Panel | sdk.RowPanel:
    at = sdk.GridPos(x=place.x, y=place.y, w=place.width, h=place.height)
    if isinstance(place.item, PanelRow):
        return sdk.RowPanel(id_val=place.item.id, title=place.item.title, grid_pos=at)
    return _panel(place.item, at, dashboard)


def _panel(panel: Panel, at: sdk.GridPos, dashboard: Dashboard) -> sdk.Panel:
    kinds = {
        "stat": "stat",
        "timeseries": "timeseries",
        "table": "table",
        "heatmap": "heatmap",
        "timeline": "state-timeline",
    }
    return sdk.Panel(
        type_val=kinds[panel.visualization],
        id_val=panel.id,
        title=panel.title,
        description=panel.description,
        datasource=_source_ref(_source(panel)),
        grid_pos=at,
        links=[_link(link.title, panel_link_url(link)) for link in panel.links if not link.label],
        max_data_points=panel.points,
        repeat=panel.repeat or None,
        repeat_direction="h" if panel.repeat else None,
        max_per_row=3 if panel.repeat else None,
        targets=[
            _target(panel, each, letter, dashboard)
            for each, letter in zip(panel.queries, ascii_uppercase, strict=False)
        ],
        transformations=[_transformation(step) for step in transformations(panel)],
        options=_options(panel),
        field_config=sdk.FieldConfigSource(
            defaults=_defaults(panel), overrides=[_override(*each) for each in overrides(panel)]
        ),
    )


def _transformation(step: Transformation) -> sdk.DataTransformerConfig:
    only = sdk.MatcherConfig(id_val="byRefId", options=step.only) if step.only else None
    return sdk.DataTransformerConfig(id_val=step.name, options=step.options, filter_val=only)


def _link(title: str, url: str) -> sdk.DashboardLink:
    return sdk.DashboardLink(title=title, type_val=sdk.DashboardLinkType.LINK, url=url, tags=[])


def _target(panel: Panel, target: PanelQuery | CloudWatchQuery, letter: str, dashboard: Dashboard) -> Any:
    if isinstance(target, CloudWatchQuery):
        return _aws_target(target, letter, dashboard)
    formats = prometheus.PromQueryFormat
    shape = formats.TABLE if panel.visualization == "table" and target.instant else formats.TIME_SERIES
    return prometheus.Dataquery(
        ref_id=letter,
        expr=target.query.text,
        legend_format=target.legend,
        instant=target.instant,
        range_val=not target.instant,
        editor_mode=prometheus.QueryEditorMode.CODE,
        format_val=formats.HEATMAP if panel.visualization == "heatmap" else shape,
        datasource=_source_ref("prometheus"),
    )


def _aws_target(target: CloudWatchQuery, letter: str, dashboard: Dashboard) -> cloudwatch.CloudWatchMetricsQuery:
    chosen = {each.dimension: each.resource for each in dashboard.variables if isinstance(each, ResourceVariable)}
    metric = target.metric
    return cloudwatch.CloudWatchMetricsQuery(
        ref_id=letter,
        id_val=letter.lower(),
        region=REGION,
        namespace=metric.namespace,
        metric_name=metric.name,
        statistic=target.statistic,
        dimensions={name: [f"${chosen[name]}" if name in chosen else "*"] for name in metric.dimensions},
        match_exact=True,
        period="",
        label=" ".join(
            (target.legend, *(f"${{PROP('Dim.{name}')}}" for name in metric.dimensions if name not in chosen))
        ),
        expression="",
        query_mode=cloudwatch.CloudWatchQueryMode.METRICS,
        metric_query_type=cloudwatch.MetricQueryType.SEARCH,
        metric_editor_mode=cloudwatch.MetricEditorMode.BUILDER,
        datasource=_source_ref("cloudwatch"),
    )


# Panel options


def _defaults(panel: Panel) -> sdk.FieldConfig:
    picks = [
        _link(link.title, data_link_url(link, panel))
        for link in panel.links
        if link.label or panel.visualization == "stat"
    ]
    return sdk.FieldConfig(
        unit=UNITS[panel.unit],
        decimals=panel.decimals,
        min_val=panel.minimum,
        max_val=panel.maximum,
        mappings=_mappings(panel.value_mappings),
        thresholds=_thresholds(panel),
        color=_colour(panel),
        links=picks,
        no_value=NO_VALUE,
        custom=_custom(panel),
    )


def _thresholds(panel: Panel) -> sdk.ThresholdsConfig:
    muted = panel.visualization == "timeseries"  # their thresholds colour the background
    steps = [sdk.Threshold(value=value, color=colour) for value, colour in color_steps(panel.thresholds, muted=muted)]
    return sdk.ThresholdsConfig(mode=sdk.ThresholdsMode.ABSOLUTE, steps=steps)


def _mappings(value_mappings: tuple[ValueMapping, ...]) -> list[sdk.ValueMapping]:
    """Value mappings plus one for null: without it, missing data would have the colour of the lowest values."""
    nothing = sdk.ValueMappingResult(text=NO_VALUE, color=COLOURS["unknown"], index=len(value_mappings))
    unknown = sdk.DashboardSpecialValueMapOptions(match=sdk.SpecialValueMatch.NULL_AND_NAN, result=nothing)
    results = {value: sdk.ValueMappingResult(**result) for value, result in mappings_by_value(value_mappings).items()}
    return [*([sdk.ValueMap(options=results)] if results else []), sdk.SpecialValueMap(options=unknown)]


def _override(matcher: str, name: str, properties: dict[str, object]) -> sdk.DashboardFieldConfigSourceOverrides:
    return sdk.DashboardFieldConfigSourceOverrides(
        matcher=sdk.MatcherConfig(id_val=matcher, options=name),
        properties=[sdk.DynamicConfigValue(id_val=key, value=value) for key, value in properties.items()],
    )


def _colour(panel: Panel) -> sdk.FieldColor:
    """Time series are shades of grey: only the background shows a problem."""
    if panel.visualization == "timeseries":
        return sdk.FieldColor(mode=sdk.FieldColorModeId.SHADES, fixed_color=COLOURS["neutral"])
    return sdk.FieldColor(mode=sdk.FieldColorModeId.THRESHOLDS)


def _custom(panel: Panel) -> Any:
    match panel.visualization:
        case "timeseries":
            modes = common.GraphThresholdsStyleMode
            style = modes.DASHED_AND_AREA if panel.thresholds.steps else modes.OFF
            return timeseries.FieldConfig(
                line_width=2,
                fill_opacity=0,
                show_points=common.VisibilityMode.NEVER,
                span_nulls=False,
                thresholds_style=common.GraphThresholdsStyleConfig(mode=style),
            )
        case "timeline":
            return statetimeline.FieldConfig(line_width=0, fill_opacity=80)
        case "table":
            return common.TableFieldOptions()
        case _:
            return {}


def _options(panel: Panel) -> Any:
    match panel.visualization:
        case "stat":
            return _stat_options(panel)
        case "timeseries":
            return timeseries.Options(legend=_legend(("lastNotNull", "max")), tooltip=_tooltip())
        case "table":
            return _table_options(panel)
        case "timeline":
            return statetimeline.Options(
                show_value=common.VisibilityMode.NEVER, row_height=0.8, legend=_legend(()), tooltip=_tooltip()
            )
        case "heatmap":
            return _heatmap_options(panel)


def _stat_options(panel: Panel) -> stat.Options:
    single = len(panel.queries) == 1 and "{{" not in panel.queries[0].legend
    stateful = bool(panel.thresholds.steps or panel.value_mappings or panel.series_overrides)
    course = isinstance(panel.queries[0], PanelQuery) and not panel.queries[0].instant
    return stat.Options(
        reduce_options=common.ReduceDataOptions(calcs=["lastNotNull"], values=False, fields=""),
        color_mode=common.BigValueColorMode.BACKGROUND if stateful else common.BigValueColorMode.NONE,
        graph_mode=common.BigValueGraphMode.AREA if course else common.BigValueGraphMode.NONE,
        text_mode=common.BigValueTextMode.VALUE if single else common.BigValueTextMode.VALUE_AND_NAME,
    )


def _table_options(panel: Panel) -> table.Options:
    order = [
        common.TableSortByFieldState(display_name=column.title, desc=column.order == "down")
        for column in panel.columns
        if column.order
    ]
    footer = common.TableFooterOptions(reducer=[])
    return table.Options(cell_height=common.TableCellHeight.SM, footer=footer, sort_by=order)


def _heatmap_options(panel: Panel) -> heatmap.Options:
    return heatmap.Options(
        calculate=False,
        color=heatmap.HeatmapColorOptions(
            mode=heatmap.HeatmapColorMode.SCHEME,
            scheme="Greys",
            fill=COLOURS["neutral"],
            scale=heatmap.HeatmapColorScale.EXPONENTIAL,
            exponent=0.5,
            steps=32,
        ),
        y_axis=heatmap.YAxisConfig(unit=UNITS[panel.unit]),
        cell_values=heatmap.CellValues(unit="short", decimals=0),
        exemplars=heatmap.ExemplarConfig(color=COLOURS["neutral"]),
        legend=heatmap.HeatmapLegend(show=True),
        tooltip=heatmap.HeatmapTooltip(mode=common.TooltipDisplayMode.SINGLE, y_histogram=True),
        show_value=common.VisibilityMode.NEVER,
    )


def _legend(calcs: tuple[str, ...]) -> common.VizLegendOptions:
    mode = common.LegendDisplayMode.TABLE if calcs else common.LegendDisplayMode.LIST
    place = common.LegendPlacement.BOTTOM
    return common.VizLegendOptions(display_mode=mode, placement=place, show_legend=True, calcs=list(calcs))


def _tooltip() -> common.VizTooltipOptions:
    return common.VizTooltipOptions(mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING)
