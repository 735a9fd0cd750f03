namespace SLoRA.Text.Templates;

/// <summary>The state of one rendering: nothing of it is shared with another, so one template renders on many threads at once.</summary>
internal sealed class Rendering
{
    public Rendering(ChatTemplateInputs inputs, ParsedTemplate template)
    {
        Template = template;
        Budget = new Budget(this, inputs.Limits, inputs.Size);
        Clock = inputs.Clock;
        var variables = new Scope(null);
        foreach ((string name, object? value) in inputs.Values())
            variables.Set(name, value);
        Root = new Scope(variables);
        Output = new Output(Budget);
        Evaluator = new Evaluator(this);
    }

    public Budget Budget { get; }

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

    /// <summary>Fails where a value is undefined and its use is an error.</summary>
    public void Defined(object? value)
    {
        if (value is Undefined undefined)
            throw Use(undefined);
    }
}
