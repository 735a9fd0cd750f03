using System.Text.Json;

namespace SLoRA.Fidelity.Tests;

/// <summary>
/// What is refused today, by what the files say. A fixture that is not of these lists must be served exactly; serving one of these makes
/// its tests fail until its line is taken out.
/// </summary>
internal static class NotServed
{
    private static readonly HashSet<string> ModelTypes =
    [
    ];

    private static readonly HashSet<string> RopeTypes =
    [

    ];

    private static readonly HashSet<string> ModelSwitches =
    [
    ];

    private static readonly HashSet<string> AdapterOptions =
    [
    ];

    /// <summary>Whether the model of a fixture is refused.</summary>
    public static bool Model(FixtureFolder folder)
    {
        string path = Path.Combine(folder.Model, "config.json");
        if (!File.Exists(path))
        {
            return false;
        }

        using JsonDocument config = JsonDocument.Parse(File.ReadAllBytes(path));
        JsonElement root = config.RootElement;
        return ModelTypes.Contains(root.GetProperty("model_type").GetString()!)
            || ModelSwitches.Any(key => Member(root, key) is { ValueKind: JsonValueKind.True })
            || (Rope(root) is { } rope && RopeTypes.Contains(rope));
    }

    /// <summary>Whether an adapter of a fixture whose model is served is refused.</summary>
    public static bool Adapter(string path)
    {
        if (File.Exists(path))
        {
            return false;
        }

        using JsonDocument config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(path, "adapter_config.json")));
        return config.RootElement.EnumerateObject().Any(option => AdapterOptions.Contains(option.Name) && IsSet(option.Value));
    }

    private static bool IsSet(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.String => value.GetString() != "none",
        JsonValueKind.Array => value.GetArrayLength() > 0,
        JsonValueKind.Object => value.EnumerateObject().Any(),
        _ => false,
    };

    private static string? Rope(JsonElement config) =>
        (Member(config, "rope_parameters") ?? Member(config, "rope_scaling")) is { } rope
            ? (Member(rope, "rope_type") ?? Member(rope, "type"))?.GetString()
            : null;

    private static JsonElement? Member(JsonElement of, string name) =>
        of.TryGetProperty(name, out JsonElement value) && value.ValueKind is not JsonValueKind.Null ? value : null;
}
