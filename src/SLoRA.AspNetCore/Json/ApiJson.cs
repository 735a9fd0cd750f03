using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace SLoRA.AspNetCore.Json;

/// <summary>How bodies are read and written, as generated code.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(ChatCompletionBody))]
[JsonSerializable(typeof(CompletionBody))]
[JsonSerializable(typeof(ChatCompletion))]
[JsonSerializable(typeof(Completion))]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(ModelEntry))]
[JsonSerializable(typeof(ResponseBody))]
[JsonSerializable(typeof(JsonObject))]
[JsonSerializable(typeof(TokenLogprob))]
[JsonSerializable(typeof(TokenizeBody))]
[JsonSerializable(typeof(TokenizeAnswer))]
[JsonSerializable(typeof(DetokenizeBody))]
[JsonSerializable(typeof(DetokenizeAnswer))]
[JsonSerializable(typeof(LoadAdapterBody))]
[JsonSerializable(typeof(UnloadAdapterBody))]
[JsonSerializable(typeof(AdapterChange))]
[JsonSerializable(typeof(ErrorBody))]
internal sealed partial class ApiJson : JsonSerializerContext;
