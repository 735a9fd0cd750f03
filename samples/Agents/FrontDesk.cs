using System.ComponentModel;
using System.Globalization;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;

namespace Agents;

/// <summary>The front desk of a tenant: an agent whose model is the tenant's adapter.</summary>
internal static class FrontDesk
{
    private const string Instructions = "You answer at the front desk. Where an answer depends on the day, ask the tools.";

    /// <summary>An agent.</summary>
    /// <param name="client">Who answers: the client of one adapter. It costs next to nothing, so that every tenant has its own.</param>
    /// <param name="name">The tenant.</param>
    /// <param name="tools">What it may call; functions of this program and tools of MCP servers are alike.</param>
    public static AIAgent Create(IChatClient client, string name, params IReadOnlyList<AITool> tools) =>
        new ChatClientAgent(client, tools.Count > 0 ? Instructions : null, name, tools: [.. tools]);

    /// <summary>A function of this program as a tool: the date of today.</summary>
    public static AIFunction Today(TimeProvider clock) => AIFunctionFactory.Create(
        [Description("The date of today, as year-month-day.")] () =>
            clock.GetLocalNow().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        "today");
}
