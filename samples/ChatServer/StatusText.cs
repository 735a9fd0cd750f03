using System.Text.Json.Nodes;
using SLoRA;

namespace ChatServer;

/// <summary>What the page shows of the engine.</summary>
internal static class StatusText
{
    /// <summary>As JSON: pages of the pool by who has them, steps, tokens, who runs and waits.</summary>
    public static string Of(EngineStatus status) => new JsonObject
    {
        ["steps"] = status.Steps,
        ["rows"] = status.LastStep.Rows,
        ["adaptersInStep"] = status.LastStep.Adapters,
        ["tokens"] = status.GeneratedTokens,
        ["running"] = status.Running,
        ["waiting"] = status.Waiting,
        ["pages"] = status.Pool.Total,
        ["cachePages"] = status.Pool.Cache,
        ["adapterPages"] = status.Pool.Adapters,
        ["residentAdapters"] = status.ResidentAdapters,
    }.ToJsonString();
}
