namespace SLoRA.Text.Templates;

/// <summary>The state of one rendering: nothing of it is shared with another, so one template renders on many threads at once.</summary>
internal sealed class Rendering
{
    // Names that a call has taken from the keys of a dictionary which the conversation wrote.
    private HashSet<string>? _contentNames;

    /// <param name="inputs">What the template is rendered with.</param>
    /// <param name="template">The template.</param>
    /// <param name="tracksContent">Whether the text shall say which parts of it are content.</param>
    public Rendering(ChatTemplateInputs inputs, ParsedTemplate template, bool tracksContent = false)
    {
        TracksContent = tracksContent;
        Template = template;
        Clock = inputs.Clock;
        var variables = new Scope(null);
        foreach ((string name, object? value) in inputs.Values(tracksContent))
        {
            variables.Set(name, value);
        }

        Root = new Scope(variables);
        Budget = new Budget(this, inputs.Limits, inputs.Size);
        Output = new Output(Budget);
        Evaluator = new Evaluator(this);
    }

    public Budget Budget { get; }

    /// <summary>Whether what the conversation says is told apart from what the template writes.</summary>
    public bool TracksContent { get; }

    public TimeProvider Clock { get; }

    /// <summary>The outermost scope: what the template sets outside of loops and macros; the inputs stand around it.</summary>
    public Scope Root { get; }

    /// <summary>The text of the whole rendering, without what a macro or block is still collecting.</summary>
    public Output Output { get; }

    public Evaluator Evaluator { get; }

    /// <summary>Whether printed text is escaped here (within <c>{% autoescape true %}</c>).</summary>
    public bool Autoescape { get; set; }

    /// <summary>The line of the template that is being evaluated.</summary>
    public int Line { get; set; }

    /// <summary>What is being rendered.</summary>
    public ParsedTemplate Template { get; }

    /// <summary>Code point ranges that generation blocks wrote.</summary>
    public List<(int Start, int End)> Generation { get; } = [];

    public ChatTemplateException Error(string code, string message) => new(code, message, Line);

    /// <summary>An error of evaluation: a wrong type, value or argument.</summary>
    public ChatTemplateException Runtime(string message) => Error("template.runtime", message);

    /// <summary>What using an undefined value ends in.</summary>
    public ChatTemplateException Use(Undefined value) => Error(value.Code, value.Message);

    /// <summary>Text that a macro, block or loop has written, as the value it is.</summary>
    public object Captured(object text) => Autoescape ? Markup.Of(text) : text;

    /// <summary>Notes that the name of an argument is content.</summary>
    public void NamedByContent(string name) => (_contentNames ??= new HashSet<string>(StringComparer.Ordinal)).Add(name);

    /// <summary>The name of an argument as a text value.</summary>
    public object NameOf(string name) => _contentNames?.Contains(name) == true ? ContentText.Whole(name) : name;

    /// <summary>Fails where a value is undefined and its use is an error.</summary>
    public void Defined(object? value)
    {
        if (value is Undefined undefined)
        {
            throw Use(undefined);
        }
    }
}
