using System.Text;

namespace SLoRA.Text.Templates;

/// <summary>Text being put together, and which parts of it are content.</summary>
internal sealed class TextBuilder
{
    private readonly StringBuilder _text = new();
    private List<ContentRange>? _content;

    public int Length => _text.Length;

    /// <summary>Characters of the template's own.</summary>
    public TextBuilder Append(string text)
    {
        _text.Append(text);
        return this;
    }

    /// <summary>A character of the template's own.</summary>
    public TextBuilder Append(char c)
    {
        _text.Append(c);
        return this;
    }

    /// <summary>A text value, with what of it is content.</summary>
    public TextBuilder AppendText(object text)
    {
        if (text is RichText { Content: { } content })
        {
            foreach (ContentRange range in content)
            {
                Mark(Length + range.Start, Length + range.End);
            }
        }

        _text.Append(text.ToString());
        return this;
    }

    /// <summary>A part of a text value, with what of it is content.</summary>
    public TextBuilder AppendText(object text, int from, int to)
    {
        if (text is not string plain)
        {
            return AppendText(ContentText.Slice(text, from, to));
        }

        _text.Append(plain, from, to - from);
        return this;
    }

    /// <summary>Says that all from a place on is content.</summary>
    public void MarkFrom(int start) => Mark(start, Length);

    /// <summary>What has been put together: a string, or text with content in it.</summary>
    public object ToText() => ContentText.Of(_text.ToString(), ToRanges());

    /// <summary>The parts that are content, null for none.</summary>
    public ContentRange[]? ToRanges() => _content is null ? null : [.. _content];

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();

    private void Mark(int start, int end)
    {
        if (start >= end)
        {
            return;
        }

        _content ??= [];
        if (_content.Count > 0 && _content[^1].End >= start)
        {
            _content[^1] = new ContentRange(_content[^1].Start, Math.Max(end, _content[^1].End));
        }
        else
        {
            _content.Add(new ContentRange(start, end));
        }
    }
}
