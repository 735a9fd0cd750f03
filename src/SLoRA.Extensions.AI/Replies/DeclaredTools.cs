namespace SLoRA.Extensions.AI.Replies;

/// <summary>The tools that the model was told about, by name.</summary>
internal sealed class DeclaredTools
{
    private readonly Dictionary<string, ToolDeclaration> _tools = new(StringComparer.Ordinal);

    public DeclaredTools(IReadOnlyList<ToolDeclaration> tools)
    {
        foreach (ToolDeclaration tool in tools)
        {
            _tools[tool.Name] = tool;
        }
    }

    public bool IsEmpty => _tools.Count == 0;

    public bool Has(string name) => _tools.ContainsKey(name);

    /// <summary>The type that a tool's parameter was declared with.</summary>
    public ParameterType TypeOf(string tool, string parameter) =>
        _tools.TryGetValue(tool, out ToolDeclaration? declared) ? ParameterType.Of(declared.Parameters, parameter) : ParameterType.Text;
}
