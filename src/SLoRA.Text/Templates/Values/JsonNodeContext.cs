using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace SLoRA.Text.Templates;

/// <summary>Serialization of scalar nodes without reflection.</summary>
[JsonSerializable(typeof(JsonValue))]
internal sealed partial class JsonNodeContext : JsonSerializerContext;
